/** The reading end by itself: what peers and programs may do that the other tests have no peer for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { InboundBlob } from '@flaminia/delivery-a1/internal';
import { blobWorld, expectFree, Files, KIB, pattern, readAll, takeOne } from '../test/blob-imperium.ts';
import { rest, Watched } from '../test/memory-bench.ts';

// Exposed here, so that the test never depends on the flags of its run.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('[a1-brecv-1] chunks without bytes, which a peer may send anywhere, do not stop a reader', async (t) => {
  const { gateway, worker, send } = await blobWorld(t);
  const opening = send();
  const request = await takeOne(worker);
  const reading = readAll(request.blob);
  const sender = await opening;
  // Into the machine, as a peer would that is none of ours.
  const session = worker.delivery.core.peers.get(gateway.address)!;
  const blob: InboundBlob = [...session.blobs!.inbound.values()][0]!;
  for (const [number, text] of ['ab', '', '', 'cd', ''].entries()) {
    const landing = blob.landing(number, text.length);
    landing.take(Buffer.from(text), 0, text.length, false);
    blob.arrived(number, landing, text.length, number === 4, 100 + number, 0);
    await rest();
  }
  assert.equal(String(await reading), 'abcd');
  sender.destroy();
});

test('[api-39] a request with a stream that the program forgets is rejected when it is collected', async (t) => {
  const { worker, gateway, send } = await blobWorld(t);
  const inbox = await worker.taberna(Files);
  const forgotten = new Watched(send('forgotten'));
  await inbox.receive();
  for (let round = 0; round < 50 && forgotten.kind === 'pending'; round++) {
    collect();
    await rest();
  }
  assert.equal(forgotten.kind, 'remote-taberna-rejected');
  expectFree(gateway);
  expectFree(worker);
});

test('[api-85] [a1-blim-9] a slow reader: the bytes that wait never exceed the window, whatever is written', async (t) => {
  const { worker, send, bench } = await blobWorld(t);
  const opening = send();
  const { blob } = await takeOne(worker);
  const parts: Buffer[] = [];
  let waiting = 0;
  blob.on('readable', () => void waiting++);
  const sender = await opening;
  const bytes = pattern(300 * KIB);
  sender.end(bytes);
  for (let read = 0; read < bytes.length; ) {
    await bench.advance(5);
    const part = blob.read() as Buffer | null;
    if (part === null) continue;
    assert.ok(blob.bytesReceived - read <= 64 * KIB, `${blob.bytesReceived - read} bytes wait`);
    parts.push(part);
    read += part.length;
  }
  assert.deepEqual(Buffer.concat(parts), bytes);
  assert.ok(waiting > 0);
});
