/** Many blob streams at once, in both directions, and streams whose connections break under them. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { Domus } from '../src/domus.ts';
import { blobWorld, expectFree, Files, KIB, pattern, readAll } from './blob-imperium.ts';
import { rest, Watched } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

for (const transport of TRANSPORTS) {
  test(`[a1-bcal-15] [a1-bsend-12] over ${transport}: both sides send at once, and each byte arrives`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [a, b] = [await imperium.open(), await imperium.open()];
    const received: Buffer[] = [];
    const sizes = [0, 1, 100_000, 1_000_001];
    for (const domus of [a, b])
      await domus.serve(Files, async (_, { blob }) => void received.push(await readAll(blob)));
    const send = async (from: Domus, to: Domus, size: number): Promise<void> =>
      pipeline(Readable.from([pattern(size)]), await from.sendBlob(Files, 'file', { to: to.address }));
    await Promise.all(sizes.flatMap((size) => [send(a, b, size), send(b, a, size)]));
    await Promise.all([a.shutdown(), b.shutdown()]);
    await rest();
    assert.deepEqual(
      received.map(({ length }) => length).sort((x, y) => x - y),
      sizes.flatMap((size) => [size, size]),
    );
    for (const bytes of received) assert.ok(bytes.equals(pattern(bytes.length)), `${bytes.length} bytes`);
    for (const domus of [a, b]) expectFree(domus);
  });
}

for (const half of ['before', 'behind'] as const) {
  test(`[a1-blim-7] [a1-bsend-13] connections that break ${half} the end of the writing: the reader gets every byte once`, async (t) => {
    const { bench, gateway, worker, send, expectFree } = await blobWorld(t);
    const bytes = pattern(200 * KIB);
    const parts: Buffer[] = [];
    await worker.serve(Files, async (_, { blob }) => {
      for await (const part of blob) {
        parts.push(part as Buffer);
        await new Promise<void>((resolve) => bench.clock.startTimer(50, resolve));
      }
    });
    const sender = await send();
    const sent = new Watched(pipeline(Readable.from([bytes]), sender));
    for (let cut = 0; cut < 4; cut++) {
      await bench.advance(half === 'before' ? 90 : 1_500);
      bench.network.cut(gateway.address, worker.address);
      await rest();
      bench.network.heal();
      await bench.advance(2_500);
    }
    await bench.advance(20_000);
    assert.equal(sent.kind, 'resolved');
    assert.ok(Buffer.concat(parts).equals(bytes));
    await expectFree();
  });
}

test('[a1-brecv-13] [api-91] a writer that falls silent: both sides learn of the idle limit', async (t) => {
  const { bench, worker, send, expectFree } = await blobWorld(t);
  let reading: Watched | undefined;
  await worker.serve(Files, (_, { blob }) => {
    reading = new Watched(readAll(blob));
    return reading;
  });
  const sender = await send();
  sender.write('some');
  await bench.advance(61_000);
  assert.equal(reading!.kind, 'blob-stream-idle-timeout');
  assert.equal((sender.errored as { kind?: string } | null)?.kind, 'blob-stream-idle-timeout');
  await expectFree();
});
