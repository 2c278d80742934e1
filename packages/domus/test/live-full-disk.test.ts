/** A receiver whose disk is full: its handler fails, the sender is told, and everything reserved comes back. */
import assert from 'node:assert/strict';
import { createWriteStream, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import { until } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { Streams } from './ledger.ts';
import { eventsOf, failureOf, Numbers } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

const STREAMS = 3;
/** More than a window holds: bytes that have arrived count as sent, whatever becomes of them. */
const PIECES = Array.from({ length: 160 }, () => Buffer.alloc(64 * 1024, 0x61));

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-live-')));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const transport of TRANSPORTS) {
  test(`[a1-inv-7] over ${transport}: a full disk fails the streams that it meets, and nothing else`, {
    skip: process.platform !== 'linux' && 'there is no /dev/full',
  }, async (t) => {
    const sockets = new SocketImperium(t, transport);
    const [sender, receiver] = [await sockets.open(), await sockets.open()];
    const events = eventsOf(receiver);
    await receiver.serve(Streams, (name, { blob }) => pipeline(blob, createWriteStream(name)));
    await receiver.serve(Numbers, () => {});
    const to = { to: receiver.address };
    for (let i = 0; i < STREAMS; i++) {
      const blob = await sender.sendBlob(Streams, '/dev/full', to);
      const error = await failureOf(pipeline(PIECES, blob));
      assert.deepEqual(
        [error.kind, error.detail, error.peer],
        ['peer-unavailable', 'stream-aborted', receiver.address],
      );
      await sender.send(Numbers, i, to);
    }
    await until(() => events.filter(({ kind }) => kind === 'handler-failed').length === STREAMS, 'the reports');
    for (const event of events) if (event.kind === 'handler-failed') assert.match(event.error.message, /ENOSPC/);
    for (const domus of [sender, receiver]) assertEmpty(domus);
    // Another disk has room, and the same connections serve it.
    const path = join(folder, transport);
    await pipeline(PIECES, await sender.sendBlob(Streams, path, to));
    await until(() => receiver.delivery.core.isQuiet && statSync(path).size === PIECES.length * 64 * 1024, 'the file');
    const { blobCalles, primaryCalles } = sender.reporting.snapshot();
    assert.deepEqual([primaryCalles.closed, blobCalles.closed], [0, 0]);
    for (const domus of [sender, receiver]) assertEmpty(domus);
  });
}
