/** Many blob streams at once, in both directions, and streams whose connections break under them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { until } from '@flaminia/testkit';
import type { Domus } from '../src/domus.ts';
import { blobWorld, expectFree, Files, KIB, pattern, readAll } from './blob-imperium.ts';
import { Numbers, rest, Watched } from './memory-bench.ts';
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

for (const transport of TRANSPORTS) {
  test(`over ${transport}: a listener that throws, in a process that lives on, holds up no other stream`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [gateway, worker] = [await imperium.open(), await imperium.open()];
    const thrown = survive(t);
    let received = 0;
    await worker.serve(Files, async (name, { blob }) => {
      blob.on('data', (part: Buffer) => {
        if (name === 'bad') throw new Error('a listener is broken');
        received += part.length;
      });
      await once(blob, 'close');
    });
    const [good, bad] = await Promise.all(
      ['good', 'bad'].map((name) => gateway.sendBlob(Files, name, { to: worker.address })),
    );
    const bytes = Buffer.alloc(1024 * KIB);
    await worker.serve(Numbers, () => {});
    for (let i = 0; i < 32; i++) {
      bad!.write(bytes);
      // While messages come and go, connections of streams are read a little at a time.
      await gateway.send(Numbers, i, { to: worker.address });
      let isTaken = false;
      good!.write(bytes, () => {
        isTaken = true;
      });
      await until(() => isTaken, 'the other stream goes on');
    }
    good!.end();
    await until(() => received === 32 * bytes.length, 'every byte has come');
    assert.ok(thrown.length > 2, `${thrown.length} thrown`);
    bad!.destroy();
    await rest();
  });
}

/** What nobody catches is gathered, and the process lives on, until the test has ended. */
function survive(t: TestContext): unknown[] {
  const listeners = process.listeners('uncaughtException');
  const thrown: unknown[] = [];
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => void thrown.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  return thrown;
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
