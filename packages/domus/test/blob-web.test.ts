/** Blob streams in the form of the web: how they flow, wait and end. */
import assert from 'node:assert/strict';
import { ReadableStream } from 'node:stream/web';
import { test } from 'node:test';
import type { DomusError } from '@flaminia/transport-a0';
import { blobWorld, expectFree, Files, heldReader, KIB, pattern, readAll } from './blob-imperium.ts';
import { failureOf, rest, Watched } from './memory-bench.ts';

test('[api-85] toWeb at both ends', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const bytes = pattern(100_000);
  let received: Buffer | undefined;
  await worker.serve(Files, async (_, { blob }) => {
    const parts: Uint8Array[] = [];
    for await (const part of blob.toWeb()) parts.push(part);
    received = Buffer.concat(parts);
  });
  const writer = (await send()).toWeb().getWriter();
  for (let at = 0; at < bytes.length; at += 10_000) await writer.write(bytes.subarray(at, at + 10_000));
  await writer.close();
  await rest();
  assert.deepEqual(received, bytes);
  await expectFree();
});

test('[api-85] toWeb: a reader that does not read holds its source back', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const reader = await heldReader(worker);
  let taken = 0;
  const source = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken === 2_000 * KIB) return controller.close();
        taken += 4 * KIB;
        controller.enqueue(new Uint8Array(4 * KIB));
      },
    },
    { highWaterMark: 0 },
  );
  const piped = new Watched(source.pipeTo((await send()).toWeb()));
  await rest();
  assert.equal(piped.kind, 'pending');
  assert.ok(taken >= 64 * KIB && taken <= 128 * KIB, `${taken} bytes were taken`);
  reader.go();
  while (piped.kind === 'pending') await rest();
  assert.deepEqual([piped.kind, reader.received, taken], ['resolved', 2_000 * KIB, 2_000 * KIB]);
  await expectFree();
});

test('[api-85] toWeb: what is written beside it is not lost, nor what comes behind', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const bytes = pattern(200_000);
  let received: Buffer | undefined;
  await worker.serve(Files, async (_, { blob }) => {
    received = await readAll(blob);
  });
  const sender = await send();
  assert.equal(sender.write(bytes.subarray(0, 100_000)), false, 'it waits for its drain');
  const writer = sender.toWeb().getWriter();
  await writer.write(bytes.subarray(100_000));
  await writer.close();
  await rest();
  assert.deepEqual(received, bytes);
  await expectFree();
});

test('[api-85] [api-89] toWeb: an abort gives the stream up, with its reason here', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const failed: DomusError[] = [];
  await worker.serve(Files, async (_, { blob }) => void failed.push(await failureOf(readAll(blob))));
  const sender = await send();
  const reason = new RangeError('no more');
  await sender.toWeb().abort(reason);
  await rest();
  assert.deepEqual([sender.errored, failed[0]?.detail], [reason, 'stream-aborted']);
  await expectFree();
});

test('[api-85] toWeb: an abort waits neither for a write nor for a close that is under way', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const senders = [await send(), await send()] as const;
  const [first, second] = [senders[0].toWeb().getWriter(), senders[1].toWeb().getWriter()];
  bench.network.cut(gateway.address, worker.address);
  const watched = [first.write(pattern(100_000)), second.close()].map((end) => new Watched(end));
  for (const writer of [first, second]) writer.closed.catch(() => {});
  await rest();
  assert.ok(watched.every(({ state }) => state === 'pending'));
  const reason = new RangeError('no more');
  const aborts = [first, second].map((writer) => new Watched(writer.abort(reason)));
  await rest();
  assert.deepEqual(
    watched.map(({ state }) => state),
    [reason, reason],
  );
  assert.ok(aborts.every(({ state }) => state !== 'pending'));
  assert.deepEqual(
    senders.map(({ errored }) => errored),
    [reason, reason],
  );
  await gateway.shutdown({ drainTimeout: 0 });
  expectFree(gateway);
});

test('[api-85] [api-91] toWeb: a write that waits, and a close, fail with the stream', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const [first, second] = [(await send()).toWeb().getWriter(), (await send()).toWeb().getWriter()];
  bench.network.cut(gateway.address, worker.address);
  const ends = [first.write(pattern(100_000)), second.close()].map((end) => new Watched(end));
  for (const { closed } of [first, second]) closed.catch(() => {});
  await rest();
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['pending', 'pending'],
  );
  await gateway.shutdown({ drainTimeout: 0 });
  await rest();
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['domus-closed', 'domus-closed'],
  );
  expectFree(gateway);
});

test('[api-85] toWeb: what is no bytes fails both forms of the stream', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const sender = await send();
  const writer = sender.toWeb().getWriter();
  writer.closed.catch(() => {});
  await assert.rejects(writer.write(5 as never), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.ok(sender.destroyed);
  await expectFree();
});
