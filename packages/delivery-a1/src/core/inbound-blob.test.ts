/** The receiving end of a blob stream by itself; how it behaves on a wire stands in the scenarios of the testkit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_IDS } from '@flaminia/transport-a0';
import fc from 'fast-check';
import { GIVEN_UP, receiving } from '../../test/blob-parts.ts';
import { REPEATED, TAKEN } from './inbound-blob.ts';

/** Reads everything that is there. */
function readAll({ blob }: ReturnType<typeof receiving>): string {
  let text = '';
  for (let piece = blob.read(0); piece !== undefined; piece = blob.read(0)) text += piece.toString();
  return text;
}

test('[a1-brecv-1] [a1-blob-14] out of order in, in order out, and acks in the order of reading', () => {
  const bench = receiving(4, 4);
  bench.chunk(2, 'ijkl');
  bench.chunk(1, 'efgh');
  assert.equal(bench.blob.read(0), undefined);
  bench.chunk(0, 'abcd');
  assert.deepEqual(bench.heard, []);
  assert.equal(bench.blob.withholdsAcks, true);
  assert.equal(readAll(bench), 'abcdefghijkl');
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101', 'ack 102']);
  assert.equal(bench.blob.withholdsAcks, false);
});

test('[a1-blob-14] what was handed out last is acked with the next read', () => {
  const bench = receiving(4, 4);
  bench.chunk(0, 'ab');
  bench.chunk(1, 'cd');
  assert.equal(bench.blob.read(0)?.toString(), 'ab');
  assert.deepEqual(bench.heard, []);
  assert.equal(bench.blob.read(0)?.toString(), 'cd');
  assert.deepEqual(bench.heard, ['ack 100']);
  assert.equal(bench.blob.read(0), undefined);
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101']);
});

test('[a1-blob-15] the last missing chunk acks everything and says whole, unread as it may be', () => {
  const bench = receiving(4, 4);
  bench.chunk(0, 'abcd');
  assert.equal(bench.chunk(1, 'ef', true), TAKEN);
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101', 'whole']);
  assert.equal(bench.budget.reserved, 16);
  assert.equal(readAll(bench), 'abcdef');
  assert.equal(bench.blob.isReadOut, true);
  assert.equal(bench.budget.reserved, 0);
});

test('[a1-blim-3] an ack for which there is no room stays withheld, and follows when there is some', () => {
  const bench = receiving(4, 3);
  for (const [number, text] of ['abcd', 'efgh', 'ijkl'].entries()) bench.chunk(number, text);
  bench.room = 1;
  assert.equal(readAll(bench), 'abcdefghijkl');
  assert.deepEqual(bench.heard, ['ack 100']);
  assert.equal(bench.blob.withholdsAcks, true);
  assert.equal(bench.chunk(3, 'mnop'), TAKEN);
  assert.equal(bench.chunk(4, 'q'), ERROR_IDS['blob-buffer-full'], 'the sender has not heard of chunk 1');
  bench.blob.ackOn();
  assert.deepEqual(bench.heard, ['ack 100']);
  assert.equal(bench.chunk(1, 'XXXX', false, 201), REPEATED, 'its callis was lost');
  bench.room = 9;
  bench.blob.ackOn();
  assert.deepEqual(bench.heard, ['ack 100', 'ack 201', 'ack 102'], 'what was not read is not acked');
  assert.equal(readAll(bench), 'mnop');
  assert.deepEqual(bench.heard.slice(3), ['ack 103']);
});

test('[a1-blim-3] [a1-blob-15] complete waits until there was room for the last ack', () => {
  const bench = receiving(4, 4);
  bench.room = 1;
  bench.chunk(0, 'abcd');
  bench.chunk(1, 'efgh');
  bench.chunk(2, 'ij', true);
  assert.deepEqual(bench.heard, ['ack 100']);
  assert.equal(readAll(bench), 'abcdefghij');
  assert.equal(bench.blob.withholdsAcks, true);
  bench.room = 1;
  bench.blob.ackOn();
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101']);
  bench.room = 9;
  for (let i = 0; i < 2; i++) bench.blob.ackOn();
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101', 'ack 102', 'whole']);
});

test('[a1-blim-3] [a1-brecv-2] a repeat for whose ack there is no room is acked later, under its newest id', () => {
  const bench = receiving(4, 4);
  for (const [number, text] of ['abcd', 'efgh', 'ijkl'].entries()) bench.chunk(number, text);
  readAll(bench);
  bench.room = 0;
  for (const id of [201, 301]) assert.equal(bench.chunk(1, 'XXXX', false, id), REPEATED);
  bench.chunk(3, 'mnop');
  readAll(bench);
  assert.deepEqual(bench.heard, ['ack 100', 'ack 101', 'ack 102']);
  bench.room = 9;
  bench.blob.ackOn();
  assert.deepEqual(bench.heard.slice(3), ['ack 301', 'ack 103']);
  for (let number = 4; number < 9; number++) {
    bench.chunk(number, 'qrst');
    readAll(bench);
  }
  bench.room = 0;
  assert.equal(bench.chunk(1, 'XXXX', false, 401), REPEATED, 'the sender has shown that it knows');
  bench.room = 9;
  const before = bench.heard.length;
  bench.blob.ackOn();
  assert.equal(bench.heard.length, before);
});

test('[a1-bsend-3] an empty blob is whole and read out at once', () => {
  const bench = receiving(4, 4);
  bench.chunk(0, '', true);
  assert.deepEqual(bench.heard, ['ack 100', 'whole']);
  assert.equal(bench.blob.isReadOut, false);
  assert.equal(bench.blob.read(0)?.length, 0);
  assert.equal(bench.blob.isReadOut, true);
  assert.equal(bench.budget.reserved, 0);
});

test('[a1-brecv-2] [a1-brecv-3] repeats: acked again, or withheld under the newest id', () => {
  const bench = receiving(4, 4);
  bench.chunk(0, 'abcd');
  readAll(bench);
  assert.equal(bench.chunk(0, 'XXXX', false, 200), REPEATED);
  assert.deepEqual(bench.heard, ['ack 100', 'ack 200']);
  bench.chunk(2, 'ijkl');
  assert.equal(bench.chunk(2, 'YYYY', false, 202), REPEATED);
  // Its twin was written before, and has come behind it over another callis.
  assert.equal(bench.chunk(2, 'ZZZZ', false, 201), REPEATED);
  bench.chunk(1, 'efgh');
  assert.equal(readAll(bench), 'efghijkl');
  assert.deepEqual(bench.heard.slice(2), ['ack 101', 'ack 202']);
});

test('a window of one: each chunk is taken when the one before was read', () => {
  const bench = receiving(4, 1);
  for (let number = 0; number < 5; number++) {
    assert.equal(bench.chunk(number, `n${number}`, number === 4), TAKEN);
    if (number < 4) assert.notEqual(bench.blob.judge(number + 1, 2, false, 0), TAKEN);
    assert.equal(readAll(bench), `n${number}`);
  }
  assert.equal(bench.blob.isReadOut, true);
});

test('[a1-brecv-4] [a1-brecv-5] [a1-brecv-6] [a1-brecv-7] what is not taken', () => {
  const verdict = (before: [number, string][], number: number, length: number, isLast = false): string => {
    const bench = receiving(4, 4);
    for (const [chunk, text] of before) bench.chunk(chunk, text, text.endsWith('.'));
    const id = bench.blob.judge(number, length, isLast, 0);
    return Object.entries(ERROR_IDS).find(([, value]) => value === id)?.[0] ?? String(id);
  };
  assert.equal(verdict([], 0, 5), 'protocol-violation');
  assert.equal(verdict([], 4, 4), 'blob-ack-window-exceeded');
  assert.equal(verdict([], Number.POSITIVE_INFINITY, 4), 'blob-ack-window-exceeded');
  assert.equal(verdict([], 3, 4), '0');
  assert.equal(verdict([[0, 'a.']], 1, 1), 'protocol-violation');
  assert.equal(verdict([[2, 'a']], 1, 1, true), 'blob-stream-missing-chunk');
  assert.equal(
    verdict(
      [
        [0, 'a'],
        [2, 'a'],
      ],
      1,
      1,
      true,
    ),
    'protocol-violation',
  );
  assert.equal(
    verdict(
      [
        [0, 'a'],
        [1, 'b'],
        [2, 'c'],
        [3, 'd'],
      ],
      4,
      1,
    ),
    'blob-buffer-full',
  );
  assert.equal(
    verdict(
      [
        [0, 'a'],
        [2, 'c'],
        [3, 'd'],
      ],
      4,
      1,
    ),
    'blob-stream-missing-chunk',
  );
  assert.equal(
    verdict(
      [
        [0, 'a'],
        [1, 'b'],
      ],
      5,
      1,
    ),
    'blob-buffer-full',
  );
});

test('[a1-err-9] the progress in error texts', () => {
  const bench = receiving(4, 4);
  assert.equal(bench.blob.progress, 'last_delivered_chunk_id=none delivered_bytes=0');
  bench.chunk(0, 'abcd');
  bench.chunk(1, 'ef');
  assert.equal(bench.blob.progress, 'last_delivered_chunk_id=1 delivered_bytes=8');
});

test('[a1-brecv-15] [a1-brecv-16] giving up, and failures, before and behind the last byte', () => {
  const open = receiving(4, 4);
  open.chunk(0, 'abcd');
  open.blob.leave(GIVEN_UP, 0);
  assert.deepEqual(open.heard, ['aborted', 'failed']);
  assert.equal(open.budget.reserved, 0);
  assert.equal(open.blob.read(0), undefined);
  open.blob.leave(GIVEN_UP, 0);
  assert.equal(open.heard.length, 2);

  const whole = receiving(4, 4);
  whole.chunk(0, 'abcd', true);
  whole.blob.fail({ ...GIVEN_UP, kind: 'peer-restarted' });
  assert.deepEqual([whole.blob.state, whole.blob.failure], ['over', undefined]);
  assert.equal(readAll(whole), 'abcd');
  assert.equal(whole.budget.reserved, 0);

  const left = receiving(4, 4);
  left.chunk(0, 'abcd', true);
  left.blob.leave(GIVEN_UP, 0);
  assert.deepEqual(left.heard, ['ack 100', 'whole']);
  assert.equal(left.budget.reserved, 0);
});

test('chunk ids beyond 2^32 are read in order', () => {
  // A window of one and empty chunks would take days to get there; the slots know no difference.
  const bench = receiving(4, 3);
  const blob = bench.blob as unknown as Record<'missing' | 'next' | 'unacked', number>;
  const start = 2 ** 32 - 2;
  Object.assign(blob, { missing: start, next: start, unacked: start });
  for (const offset of [1, 0, 2]) assert.equal(bench.chunk(start + offset, `n${offset}`), TAKEN);
  assert.equal(readAll(bench), 'n0n1n2');
  for (const offset of [5, 4]) assert.equal(bench.chunk(start + offset, `n${offset}`), TAKEN);
  assert.equal(bench.chunk(start + 3, 'n3'), TAKEN);
  assert.equal(readAll(bench), 'n3n4n5');
});

test('[a1-blim-7] [a1-blim-8] any order inside the window, with repeats, gives the bytes once and acks each chunk', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 }), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.infiniteStream(fc.nat(1000)),
      (size, window, parts, dice) => {
        const bench = receiving(size, window);
        const texts = parts.map((part) => part.slice(0, size));
        const acked = new Set<number>();
        let read = '';
        for (let turn = 0; turn < 5000 && !bench.blob.isReadOut; turn++) {
          const first = acked.size;
          const number = first + (dice.next().value % window);
          const isLast = number === texts.length - 1;
          const mayCome = number < texts.length && (!isLast || bench.blob.isWhole || missingOf(bench) >= number);
          if (mayCome) assert.ok(bench.chunk(number, texts[number]!, isLast, number) <= 0, `chunk ${number}`);
          if (dice.next().value % 3 === 0) read += readAll(bench);
          for (const word of bench.heard) if (word.startsWith('ack')) acked.add(Number(word.slice(4)));
        }
        assert.equal(read, texts.join(''));
        assert.equal(acked.size, texts.length);
        assert.equal(bench.heard.filter((word) => word === 'whole').length, 1);
        assert.equal(bench.budget.reserved, 0);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

/** The first chunk that has not come. */
function missingOf({ blob }: ReturnType<typeof receiving>): number {
  const [, last] = /id=(\w+)/.exec(blob.progress)!;
  return last === 'none' ? 0 : Number(last) + 1;
}
