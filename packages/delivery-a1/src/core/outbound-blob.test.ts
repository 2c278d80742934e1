/** The sending end of a blob stream by itself; how it behaves on a wire stands in the scenarios of the testkit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GIVEN_UP, sending } from '../../test/blob-parts.ts';

function write(bench: ReturnType<typeof sending>, text: string): number {
  return bench.blob.write(Buffer.from(text), 0, text.length, 0);
}

test('[a1-bsend-2] what may be the last chunk is held back, and leaves marked', () => {
  const bench = sending(4, 4);
  assert.equal(write(bench, '01234567'), 8);
  assert.deepEqual(bench.takeAll(1), [0]);
  bench.blob.end(0);
  assert.deepEqual(bench.take(1), [1]);
  assert.equal(bench.frames.readUInt16BE(44), 1);
  assert.equal(bench.frames.toString('latin1', 50), '4567');
});

test('[a1-bsend-3] an empty blob is one empty last chunk', () => {
  const bench = sending(4, 4);
  bench.blob.end(0);
  assert.deepEqual(bench.take(1), [0]);
  assert.deepEqual([bench.frames.readUInt16BE(44), bench.frames.readUInt32BE(46), bench.frames.length], [1, 0, 50]);
});

test('[a1-bsend-7] a write takes what fits, piece by piece and across the borders of chunks', () => {
  const bench = sending(4, 2);
  assert.equal(write(bench, 'abc'), 3);
  assert.equal(write(bench, 'defghijk'), 5);
  assert.equal(write(bench, 'ijk'), 0);
  assert.deepEqual(bench.takeAll(1), [0, 1], 'more is to come, so neither is the last');
  bench.ack(0);
  assert.equal(write(bench, 'ijk'), 3);
  assert.equal(bench.blob.bytesAcknowledged, 4);
});

test('[a1-bsend-8] a window of one: each chunk waits for the ack of the one before', () => {
  const bench = sending(2, 1);
  assert.equal(write(bench, 'abcd'), 2);
  assert.deepEqual(bench.takeAll(1), [0]);
  bench.blob.end(0);
  assert.deepEqual(bench.takeAll(1), [], 'there is no slot for the end yet');
  bench.ack(0);
  assert.deepEqual(bench.takeAll(1), [1]);
  assert.equal(bench.frames.readUInt16BE(44), 1);
  bench.ack(1);
  assert.equal(bench.blob.state, 'open');
  assert.equal(
    bench.blob.completed(0, () => {}),
    true,
  );
  assert.equal(bench.blob.state, 'ended');
  assert.equal(bench.budget.reserved, 0);
});

test('[a1-bsend-4] quiet and flush seal what there is; an empty flush does nothing', () => {
  const bench = sending(4, 4);
  bench.blob.flush(0);
  assert.equal(bench.blob.quietAt, Number.POSITIVE_INFINITY);
  bench.blob.write(Buffer.from('ab'), 0, 2, 7);
  assert.equal(bench.blob.quietAt, 27);
  bench.blob.flush(8);
  assert.equal(bench.blob.quietAt, Number.POSITIVE_INFINITY);
  assert.deepEqual(bench.takeAll(1), [0]);
  assert.equal(bench.frames.toString('latin1', 50), 'ab');
});

test('[a1-bsend-4] a writer that is never quiet is heard too: a chunk leaves 100 ms after its first bytes', () => {
  const bench = sending(8, 4);
  for (let now = 5; now <= 95; now += 15) bench.blob.write(Buffer.from('a'), 0, 1, now);
  assert.equal(bench.blob.quietAt, 105);
  bench.blob.flush(105);
  bench.blob.write(Buffer.from('b'), 0, 1, 110);
  assert.equal(bench.blob.quietAt, 130);
  for (let now = 125; now <= 200; now += 15) bench.blob.write(Buffer.from('b'), 0, 1, now);
  assert.equal(bench.blob.quietAt, 210);
  // The chunk behind a full one begins anew.
  bench.blob.write(Buffer.from('bbb'), 0, 3, 205);
  assert.equal(bench.blob.quietAt, 225);
  for (let now = 220; now <= 295; now += 15) bench.blob.write(Buffer.from('c'), 0, 1, now);
  assert.equal(bench.blob.quietAt, 305);
});

test('chunks that lie side by side leave in one write, within the bytes of a turn', () => {
  const bench = sending(4, 8);
  write(bench, '0123456789abcdefghij');
  bench.blob.flush(0);
  assert.deepEqual(bench.take(1, 8), [0, 1]);
  assert.deepEqual(bench.take(1, 100), [2, 3, 4]);
  assert.equal(bench.frames.toString('latin1', 50, 54), '89ab');
});

test('[a1-bsend-9] the last chunk goes where the earlier ones are unanswered, or anywhere when they are acked', () => {
  const bench = sending(4, 4);
  write(bench, '0123456789');
  bench.blob.flush(0);
  assert.deepEqual(bench.take(1), [0]);
  assert.deepEqual(bench.take(2), [1]);
  bench.blob.end(0);
  assert.deepEqual(bench.takeAll(2), [2]);
  assert.deepEqual([bench.blob.hasFresh(1), bench.blob.hasFresh(2)], [false, false]);
  bench.ack(0);
  assert.deepEqual([bench.blob.hasFresh(1), bench.blob.hasFresh(2)], [false, true]);
  assert.deepEqual(bench.takeAll(2), [3]);
});

test('[a1-bsend-13] [a1-bsend-9] what a lost carrier had goes out again in order, the last one behind the others', () => {
  const bench = sending(4, 4);
  write(bench, '0123456789ab');
  bench.blob.end(0);
  assert.deepEqual(bench.takeAll(1), [0, 1, 2]);
  const forgotten: number[] = [];
  bench.ack(1);
  bench.blob.carrierLost((id) => forgotten.push(id), 0);
  assert.deepEqual(forgotten, [100, 102]);
  assert.deepEqual(bench.take(2), [0]);
  assert.equal(bench.blob.hasReplay(3), false, 'the last one would overtake');
  assert.deepEqual(bench.take(2), [2]);
  assert.equal(bench.frames.toString('latin1', 50), '89ab');
});

test('[a1-bsend-13] what a carrier that lives had goes out again too: its acks may have been lost with another', () => {
  const bench = sending(4, 4);
  write(bench, '0123456789ab');
  assert.deepEqual([bench.take(1), bench.take(2)], [[0], [1]]);
  const forgotten: number[] = [];
  bench.blob.carrierLost((id) => forgotten.push(id), 0);
  assert.deepEqual(forgotten, [100, 101]);
  assert.deepEqual(bench.takeAll(1), [0, 1]);
});

test('[a1-blob-18] [a1-blob-19] complete counts behind the last chunk, and a lost carrier makes up for it', () => {
  const early = sending(4, 4);
  write(early, '0123');
  assert.equal(
    early.blob.completed(0, () => {}),
    false,
  );
  early.blob.end(0);
  early.takeAll(1);
  assert.equal(
    early.blob.completed(0, () => {}),
    true,
  );
  assert.equal(early.blob.state, 'open');
  early.blob.carrierLost(() => {}, 0);
  assert.equal(early.blob.state, 'ended', 'what was unanswered has arrived, says complete');

  const lost = sending(4, 4);
  write(lost, '0123');
  lost.blob.end(0);
  lost.takeAll(1);
  lost.blob.carrierLost(() => {}, 0);
  lost.takeAll(2);
  lost.ack(0);
  assert.equal(lost.blob.state, 'ended');
});

test('failures end it once, whatever follows', () => {
  const bench = sending(4, 4);
  write(bench, '0123');
  bench.blob.abort(GIVEN_UP, 0);
  bench.blob.abort(GIVEN_UP, 0);
  bench.blob.fail({ ...GIVEN_UP, kind: 'peer-restarted' });
  bench.blob.end(0);
  bench.blob.flush(0);
  assert.equal(write(bench, 'x'), 0);
  assert.deepEqual([bench.blob.state, bench.blob.failure?.kind], ['failed', 'peer-unavailable']);
  assert.deepEqual(
    bench.heard.filter((word) => word === 'over' || word === 'aborted'),
    ['aborted', 'over'],
  );
  assert.equal(bench.budget.reserved, 0);
});

test('[a1-blim-7] random writes, flushes, losses and acks: the chunks put together are what was written', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), size: fc.integer({ min: 0, max: 20 }) }),
    fc.record({
      do: fc.constantFrom('flush' as const, 'take' as const, 'ack' as const, 'lose' as const),
      size: fc.nat(3),
    }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(step, { maxLength: 120 }),
      (size, window, steps) => {
        const bench = sending(size, window);
        const chunks = new Map<number, string>();
        const open: number[] = [];
        let written = '';
        const carrier = 1;
        const takeAll = (): void => {
          for (let some = bench.take(carrier, 12); some.length > 0; some = bench.take(carrier, 12)) {
            let at = 0;
            for (const number of some) {
              const length = bench.frames.readUInt32BE(at + 46);
              const text = bench.frames.toString('latin1', at + 50, at + 50 + length);
              assert.equal(chunks.get(number) ?? text, text, 'a repeat is the same');
              chunks.set(number, text);
              open.push(number);
              at += 50 + length;
            }
          }
        };
        const ackOne = (which: number): void => {
          const [chunk] = open.splice(which % open.length, 1);
          bench.ack(chunk!);
        };
        for (const { do: what, size: amount } of steps) {
          if (what === 'write') {
            const text = Array.from({ length: amount }, (_, i) =>
              String.fromCharCode(97 + ((written.length + i) % 26)),
            ).join('');
            written += text.slice(0, write(bench, text));
          } else if (what === 'flush') bench.blob.flush(0);
          else if (what === 'take') takeAll();
          else if (what === 'ack' && open.length > 0) ackOne(amount);
          else if (what === 'lose') {
            bench.blob.carrierLost(() => {}, 0);
            open.length = 0;
          }
        }
        bench.blob.end(0);
        for (let round = 0; round < 1000 && bench.blob.state === 'open'; round++) {
          takeAll();
          if (open.length > 0) ackOne(round);
          else bench.blob.completed(0, () => {});
        }
        assert.equal(bench.blob.state, 'ended');
        const text = [...chunks.keys()]
          .sort((a, b) => a - b)
          .map((key) => chunks.get(key)!)
          .join('');
        assert.equal(text, written);
        assert.equal(bench.blob.bytesAcknowledged, written.length);
        assert.equal(bench.budget.reserved, 0);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test('[a1-bsend-10] a callis that is lost changes no bytes that another may not have written out yet', () => {
  const bench = sending(4, 2);
  write(bench, 'abcdefgh');
  bench.take(1);
  const written = bench.frames;
  const before = Buffer.from(written);
  // Not callis 1, which goes on; but the ack may have been lost.
  bench.blob.carrierLost(() => {}, 0);
  assert.deepEqual(bench.take(2), [0]);
  bench.ack(0);
  assert.equal(write(bench, 'ijkl'), 4);
  assert.deepEqual(written, before);
});
