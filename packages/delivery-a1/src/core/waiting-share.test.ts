/** What the outgoing streams of a session may hold waiting, each by itself and together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sending, sending } from '../../test/blob-parts.ts';
import { WaitingShare } from './waiting-share.ts';

const GIVEN_UP = { kind: 'peer-unavailable', text: 'given up', delivery: 'unknown', cause: undefined } as const;

/** So many open streams with chunks of four bytes, in a window of 16, that may hold six chunks together. */
function streams(count: number): Sending[] {
  const waiting = new WaitingShare(() => 24);
  return Array.from({ length: count }, () => sending(4, 16, waiting));
}

/** Writes chunks, and a byte of the next, so that all of them are whole. Returns how many bytes were taken. */
function write({ blob }: Sending, chunks: number): number {
  return blob.write(Buffer.alloc(4 * chunks + 1), 0, 4 * chunks + 1, 0);
}

test('a stream takes a third of what all may hold, and more when that is written', () => {
  const [one] = streams(1) as [Sending];
  assert.equal(write(one, 8), 8);
  assert.deepEqual(one.takeAll(1), [0, 1]);
  assert.equal(write(one, 8), 8);
});

test('streams that find no room stand in line and are called in turn, each for as much as a stream may hold', () => {
  const [first, second, third, fourth, fifth] = streams(5) as [Sending, Sending, Sending, Sending, Sending];
  assert.deepEqual(
    [first, second, third, fourth, fifth].map((stream) => write(stream, 8)),
    [8, 8, 8, 0, 0],
  );
  for (const stream of [fourth, fifth]) stream.heard.length = 0;
  assert.deepEqual(first.take(1), [0]);
  assert.deepEqual([fourth.heard, fifth.heard], [['moved'], []]);
  assert.equal(write(first, 8), 0, 'one that comes later');
  assert.equal(write(fourth, 8), 8, 'whoever is called, though less than that is free');
  assert.deepEqual(fifth.heard, []);
  assert.deepEqual(second.takeAll(1), [0, 1]);
  assert.deepEqual(fifth.heard, ['moved']);
  first.takeAll(1);
  first.heard.length = 0;
  assert.equal(write(fifth, 1), 5, 'it makes way for the next');
  assert.deepEqual(first.heard, ['moved']);
});

test('a chunk that is begun goes on beside others, however small the writes', () => {
  const [first, second, third, small] = streams(4) as [Sending, Sending, Sending, Sending];
  assert.equal(small.blob.write(Buffer.alloc(1), 0, 1, 0), 1);
  for (const stream of [first, second, third]) write(stream, 8);
  assert.equal(small.blob.write(Buffer.alloc(2), 0, 2, 0), 2);
  assert.equal(small.blob.write(Buffer.alloc(2), 0, 2, 0), 1, 'the next chunk has to wait');
});

test('streams that end give their places up, in the line and beside it', () => {
  const [first, second, third, fourth, fifth] = streams(5) as [Sending, Sending, Sending, Sending, Sending];
  for (const stream of [first, second, third, fourth, fifth]) write(stream, 8);
  for (const stream of [fourth, fifth]) stream.heard.length = 0;
  fourth.blob.abort(GIVEN_UP, 0);
  assert.deepEqual(fifth.heard, []);
  first.blob.abort(GIVEN_UP, 0);
  assert.deepEqual(fifth.heard, ['moved']);
  fifth.blob.abort(GIVEN_UP, 0);
  second.blob.abort(GIVEN_UP, 0);
  assert.equal(write(third, 8), 0, 'it holds its own third');
  third.blob.abort(GIVEN_UP, 0);
  const { waiting } = third.blob.host!;
  assert.deepEqual(waiting, new WaitingShare((waiting as unknown as { most: () => number }).most), 'nothing is left');
});

test('last chunks, which may have to wait for answers, keep nobody from writing', () => {
  const all = streams(20);
  for (const stream of all) {
    assert.equal(stream.blob.write(Buffer.alloc(4), 0, 4, 0), 4);
    stream.blob.end(0);
  }
  const { waiting } = all[0]!.blob.host!;
  assert.equal(write(sending(4, 16, waiting), 8), 8);
});

test('where a chunk is larger than what may wait, the next is begun when it is written', () => {
  const one = sending(100, 4, new WaitingShare(() => 24));
  assert.equal(one.blob.write(Buffer.alloc(500), 0, 500, 0), 100);
  one.heard.length = 0;
  one.take(1);
  assert.deepEqual(one.heard, ['moved']);
  assert.equal(one.blob.write(Buffer.alloc(400), 0, 400, 0), 200, 'called, it takes as much as a stream may hold');
});
