// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { blobEndpoint, type Domus, endpoint, json } from '@flaminia/domus';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { watchAgreed } from './agreed.ts';
import { longLine } from './long-line.ts';

const Files = blobEndpoint('files', json<string>());
const Greetings = endpoint('greetings', json<string>());

/** A first stream waits for 20 ms on a connection that is new. */
async function connect(world: MemoryImperium, from: Domus, to: Domus): Promise<void> {
  await to.serve(Greetings, () => {});
  await from.send(Greetings, 'hello');
  await world.advance(20);
}

test('two sides agree on the lesser of each number', async () => {
  const world = memoryImperium();
  const sender = await world.domus('sender', { config: longLine });
  const receiver = await world.domus('receiver', { config: { blobWindow: { chunkSize: 1200, ackWindow: 1024 } } });
  await connect(world, sender, receiver);
  await receiver.serve(Files, async (_file, { blob }) => {
    for await (const _ of blob);
  });
  await pipeline([new Uint8Array(100_000)], await sender.sendBlob(Files, 'a file'));
  const lines: string[] = [];
  const stop = new AbortController();
  const watching = watchAgreed(sender, (line) => lines.push(line), stop.signal);
  stop.abort();
  await watching;
  assert.deepEqual(lines, [`${receiver.address}: 1200 bytes × 64`]);
  await world.close();
});

test('no more streams are open at once than their memory allows', async () => {
  const world = memoryImperium();
  const [sender, receiver] = [await world.domus('sender', { config: longLine }), await world.domus('receiver')];
  await connect(world, sender, receiver);
  await receiver.serve(Files, (_file, request) => void request.accept());
  const open = await Promise.all(Array.from({ length: 8 }, () => sender.sendBlob(Files, 'a file')));
  await assert.rejects(sender.sendBlob(Files, 'one more'), { kind: 'blob-buffer-full', delivery: 'not-sent' });
  for (const blob of open) blob.destroy();
  await world.close();
});
