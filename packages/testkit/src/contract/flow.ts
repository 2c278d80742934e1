/** The contract, second part: bytes on their way. */
import assert from 'node:assert/strict';
import { turns, until } from '../until.ts';
import type { ContractTest } from './contract-test.ts';
import type { StreamEnd } from './stream-end.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export function describeFlow(contract: ContractTest): void {
  for (const size of [0, 1, 64 * KIB, MIB]) {
    contract(`a write of ${size} bytes arrives in order, in both directions at once`, async (imperium) => {
      const { dialled, accepted } = await imperium.connect();
      for (const [from, seed] of [
        [dialled, 1],
        [accepted, 2],
      ] as const) {
        from.write(pattern(size, seed));
        from.write('!');
      }
      await until(() => dialled.receivedBytes > size && accepted.receivedBytes > size, 'all bytes');
      expectBytes(accepted, [pattern(size, 1), Buffer.from('!')]);
      expectBytes(dialled, [pattern(size, 2), Buffer.from('!')]);
    });
  }

  contract('many small writes of all sizes arrive as they were written', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    const sent: Buffer[] = [];
    for (let i = 0; i < 5000; i++) {
      const piece = pattern((i * 7) % 61, i);
      sent.push(piece);
      dialled.write(piece);
      if (i % 500 === 0) await turns(1);
    }
    const total = sent.reduce((sum, piece) => sum + piece.length, 0);
    await until(() => accepted.receivedBytes === total, 'all bytes');
    expectBytes(accepted, sent);
    await until(() => dialled.flushes === sent.length, 'every write to be flushed');
  });

  contract('a reader that pauses gets the rest when it goes on, and an end last', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    for (const [from, to, seed] of [
      [dialled, accepted, 3],
      [accepted, dialled, 4],
    ] as const) {
      to.stream.pause();
      from.write(pattern(8 * MIB, seed));
      from.end();
      // An answer of the paused side shows that both have had their turns.
      await turns(20);
      assert.ok(to.receivedBytes < MIB, `${to.receivedBytes} bytes were told in a pause`);
      assert.equal(to.isEnded, false);
      for (let round = 0; round < 4; round++) {
        to.stream.resume();
        await turns(1);
        to.stream.pause();
      }
      to.stream.resume();
      await until(() => to.isEnded, 'the end');
      expectBytes(to, [pattern(8 * MIB, seed)]);
    }
  });

  contract('a stream that is destroyed in a pause is closed all the same', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    dialled.stream.pause();
    dialled.stream.destroy();
    await until(() => dialled.isClosed && accepted.isEnded, 'both ends to know');
    dialled.stream.resume();
  });

  contract('what is written between cork and uncork waits, and goes out with it', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    dialled.cork();
    dialled.write('header ');
    dialled.write('payload');
    // Two answers of the peer show that its side has had its turns.
    for (const word of ['tick', 'tock']) {
      accepted.write(word);
      await until(() => dialled.text.endsWith(word), 'a word of the peer');
    }
    assert.equal(accepted.receivedBytes, 0);
    assert.equal(dialled.flushes, 0);
    assert.equal(dialled.stream.writableLength, 'header payload'.length);
    dialled.uncork();
    dialled.write(' and more');
    await until(() => accepted.text === 'header payload and more', 'what was corked');
    await until(() => dialled.flushes === 3, 'every write to be flushed');
  });

  contract('corks nest, and an end does not wait for them', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    dialled.cork();
    dialled.cork();
    dialled.write('corked');
    dialled.uncork();
    accepted.write('tick');
    await until(() => dialled.text === 'tick', 'a word of the peer');
    assert.equal(accepted.receivedBytes, 0);
    dialled.end();
    await until(() => accepted.isEnded, 'the end');
    assert.equal(accepted.text, 'corked');
  });

  contract('[a0-tcp-14] bytes right behind A0 are the first that a late reader gets', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const accepted: StreamEnd[] = [];
    b.onAccepted = (stream) => {
      const end = imperium.watch(stream);
      accepted.push(end);
      end.write(pattern(3000, 2));
    };
    const dialled = imperium.watch(await a.dial(b));
    dialled.write(pattern(5000, 1));
    dialled.end();
    await until(() => accepted.length === 1, 'the accepted stream');
    await turns(50);
    const [late] = accepted as [StreamEnd];
    late.start();
    await until(() => late.isEnded, 'all bytes and the end');
    expectBytes(late, [pattern(5000, 1)]);
    dialled.start();
    await until(() => dialled.receivedBytes === 3000, 'all bytes of the peer');
    expectBytes(dialled, [pattern(3000, 2)]);
  });

  contract('a writer may use its buffer again once that is flushed', async (imperium) => {
    const { dialled, accepted } = await imperium.connect();
    const slab = Buffer.alloc(8 * KIB);
    const rounds = 100;
    for (let round = 0; round < rounds; round++) {
      pattern(slab.length, round).copy(slab);
      dialled.write(slab);
      await until(() => dialled.flushes === round + 1, 'the write to be flushed');
      slab.fill(0xdd);
    }
    await until(() => accepted.receivedBytes === rounds * slab.length, 'all bytes');
    expectBytes(
      accepted,
      Array.from({ length: rounds }, (_, round) => pattern(slab.length, round)),
    );
  });

  contract('a reader that reads nothing holds the writer back, and drained ends that', async (imperium) => {
    const { dialled, accepted } = await imperium.join();
    dialled.start();
    const piece = pattern(64 * KIB, 1);
    let sent = 0;
    // More than any system keeps on the way.
    while (sent < 24 * MIB) {
      if (!dialled.write(piece)) await turns(1);
      sent += piece.length;
    }
    assert.equal(dialled.write(piece), false);
    assert.ok(dialled.stream.writableLength > MIB, `only ${dialled.stream.writableLength} bytes wait`);
    const drains = dialled.drains;
    accepted.start();
    await until(() => dialled.drains > drains, 'drained');
    assert.ok(dialled.stream.writableLength < 64 * KIB, `${dialled.stream.writableLength} bytes wait behind drained`);
    await until(() => accepted.receivedBytes === sent + piece.length, 'all bytes');
    assert.equal(dialled.write('little'), true);
    await until(() => dialled.flushes === dialled.writes, 'every write to be flushed');
  });

  contract('every write is flushed once: done, behind an end, queued at a destroy, behind one', async (imperium) => {
    const { dialled } = await imperium.connect();
    dialled.write('done');
    await until(() => dialled.flushes === 1, 'the first write to be flushed');
    for (let i = 0; i < 100; i++) dialled.write(pattern(256 * KIB, i));
    dialled.end();
    dialled.write('behind the end');
    dialled.destroy();
    dialled.write('behind the destroy');
    await until(() => dialled.isClosed, 'closed');
    dialled.write('behind closed');
    await until(() => dialled.flushes === dialled.writes, 'every write to be flushed');
    assert.equal(dialled.writes, 104);
  });
}

/** Bytes that tell their place and their seed. */
function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 17 + seed * 101) & 0xff;
  return bytes;
}

/** Says where bytes differ, not what they are: there may be millions. */
function expectBytes(end: StreamEnd, sent: readonly Buffer[]): void {
  const wanted = Buffer.concat(sent);
  const { received } = end;
  if (received.equals(wanted)) return;
  const at = wanted.findIndex((byte, index) => received[index] !== byte);
  assert.fail(`received ${received.length} bytes of ${wanted.length}; the first difference is at ${at}`);
}
