/** Messages that come again when the history of the session has forgotten them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import { blobHello, message, opener } from '../../test/frame-lines.ts';
import { TestShell } from '../../test/test-shell.ts';
import type { InboundBlob } from './inbound-blob.ts';
import { HISTORY } from './inbox.ts';
import type { Taberna } from './taberna.ts';

test('[a1-in-10] [a1-in-11] a message whose stream is open is known, whatever has been answered since', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const owner = { moved: () => {} };
  const streams: InboundBlob[] = [];
  const arrivals = (taberna: Taberna): void => {
    const { origin, epoch, id, blob } = taberna.peek()!;
    taberna.drop();
    blob!.owner = owner;
    streams.push(blob!);
    origin!.decide(epoch, id, 0, '', shell.clock.now());
  };
  shell.delivery.core.register(0, 7, { arrivals });
  shell.accept().give(blobHello(1024, 4));
  stream.give(opener(1, 7, 'file'));
  await turns(1);
  const { blobsIn } = shell.delivery.core;
  const { reserved } = blobsIn;
  for (let id = 10; id <= 10 + HISTORY; id++) stream.give(message(id, 99, 'nobody'));
  await turns(1);
  // Another message under its id would be kept from its answer by the stream.
  stream.give(opener(1, 7, 'another'), message(1, 7, 'plain'));
  await turns(1);
  assert.deepEqual([streams.length, streams[0]!.state, blobsIn.reserved], [1, 'open', reserved]);
  assert.equal(stream.lines.filter((line) => line === 'ack #1 (0 B)').length, 2);
  shell.delivery.core.abort(shell.clock.now());
  assert.equal(blobsIn.reserved, 0);
});

test('[a1-lane-9] an error that waits stays the only one for its id, should the history have forgotten that', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  stream.flows = false;
  // The only primary waits for this write, and all answers for that.
  shell.send('under way');
  await turns(1);
  shell.serve(7, (request) => void request.decide());
  stream.give(message(1, 99, 'nobody'));
  for (let id = 10; id <= 10 + HISTORY; id++) stream.give(message(id, 7, ''));
  await turns(1);
  stream.give(message(1, 99, 'again'));
  await turns(1);
  assert.deepEqual(
    shell.eventsOf('limited-log').map(({ id }) => id),
    [1006],
  );
  stream.flows = true;
  while (stream.writableLength > 0) {
    stream.drain();
    await turns(1);
  }
  assert.deepEqual(
    stream.lines.filter((line) => line.startsWith('error')),
    ['error #1 unknown-taberna (4 B)'],
  );
  shell.delivery.core.abort(shell.clock.now());
});
