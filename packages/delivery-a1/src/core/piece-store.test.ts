import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PieceStore } from './piece-store.ts';

/** Reads of 100 bytes each, all different. */
function reads(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const read = Buffer.allocUnsafeSlow(100);
    return read.fill(`${i} `);
  });
}

test('a chunk is given out in the pieces in which it came, and nothing is copied', () => {
  const store = new PieceStore({ chunkBytes: 160, window: 2 });
  const [one, two] = reads(2) as [Buffer, Buffer];
  const landing = store.landing(0, 160);
  landing.take(one, 20, 80, true);
  landing.take(two, 0, 80, true);
  store.landed(0, landing);
  const pieces = [store.read(0), undefined as Buffer | undefined];
  assert.equal(store.given, 0);
  pieces[1] = store.read(0);
  assert.equal(store.given, 1);
  assert.deepEqual(pieces, [one.subarray(20), two.subarray(0, 80)]);
  assert.equal(pieces[0]!.buffer, one.buffer);
  assert.equal(pieces[1].buffer, two.buffer);
});

test('what is used again is copied, and so is a small piece of a large read', () => {
  const store = new PieceStore({ chunkBytes: 100, window: 2 });
  const [shared, own] = reads(2) as [Buffer, Buffer];
  for (const [chunk, read, count, isOwn] of [
    [0, shared, 100, false],
    [1, own, 50, true],
  ] as const) {
    const landing = store.landing(chunk, count);
    const before = Buffer.from(read.subarray(0, count));
    landing.take(read, 0, count, isOwn);
    store.landed(chunk, landing);
    read.fill(0xdd);
    const piece = store.read(chunk);
    assert.deepEqual(piece, before);
    assert.equal(piece.buffer.byteLength, count);
  }
});

test('a chunk without bytes is one empty piece, and a twin of a chunk does not disturb it', () => {
  const store = new PieceStore({ chunkBytes: 100, window: 1 });
  const empty = store.landing(0, 0);
  empty.take(Buffer.alloc(0), 0, 0, true);
  store.landed(0, empty);
  assert.equal(store.read(0).length, 0);
  assert.equal(store.given, 1);
  const [good, evil] = reads(2) as [Buffer, Buffer];
  const [landing, twin] = [store.landing(1, 100), store.landing(1, 100)];
  landing.take(good, 0, 100, true);
  store.landed(1, landing);
  twin.take(evil, 0, 100, true);
  assert.deepEqual(store.read(1), good);
  assert.equal(store.given, 2);
});

/** The pieces of one chunk of 64 KiB that comes in reads of these sizes, in turns; and what memory they keep alive. */
function keptOf(sizes: readonly number[]): { readonly pieces: number; readonly keptBytes: number } {
  const chunk = Buffer.from(Array.from({ length: 65_536 }, (_, i) => i % 251));
  const store = new PieceStore({ chunkBytes: chunk.length, window: 1 });
  const landing = store.landing(0, chunk.length);
  for (let at = 0, turn = 0; at < chunk.length; turn++) {
    const read = Buffer.allocUnsafeSlow(Math.min(sizes[turn % sizes.length]!, chunk.length - at));
    chunk.copy(read, 0, at);
    landing.take(read, 0, read.length, true);
    at += read.length;
  }
  store.landed(0, landing);
  const pieces: Buffer[] = [];
  while (store.given === 0) pieces.push(store.read(0));
  assert.deepEqual(Buffer.concat(pieces), chunk);
  const memories = new Set(pieces.map(({ buffer }) => buffer));
  return { pieces: pieces.length, keptBytes: [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

test('[a1-blim-9] a chunk that comes in small reads is kept in few pieces, and in little more than its bytes', () => {
  assert.deepEqual(keptOf([1]), { pieces: 16, keptBytes: 65_536 });
  for (const sizes of [[1], [1, 4096], [2049], [1, 4095], [3, 1000], [4095, 2, 4096, 4095], [5000], [65_536]]) {
    const { pieces, keptBytes } = keptOf(sizes);
    assert.ok(pieces <= 40, `${pieces} pieces of reads of ${sizes}`);
    assert.ok(keptBytes <= 2 * 65_536, `${keptBytes} bytes of reads of ${sizes}`);
  }
});
