import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_FRAME_BYTES } from '../wire/chunk.ts';
import { PiecePool } from './blob-pieces.ts';
import { BlobRing } from './blob-ring.ts';

test('chunks of neighbouring slots leave as frames side by side', () => {
  const ring = new BlobRing(4, 3, new PiecePool());
  for (const [slot, text] of ['abcd', 'efgh', 'ij'].entries()) {
    ring.put(slot, 0, Buffer.from(`..${text}..`), 2, text.length);
    ring.putHead(slot, 10 + slot, 5, 0x1_0000_0007 + slot, slot === 2 ? 1 : 0, text.length);
  }
  const frames = ring.frames(0, 2, 2).bytes;
  assert.equal(frames.length, 54 + 54 + 52);
  for (const [slot, text] of ['abcd', 'efgh', 'ij'].entries()) {
    const at = slot * 54;
    assert.equal(frames.readUInt32BE(at + 8), 10 + slot);
    assert.equal(frames.readUInt32BE(at + 28), 18 + text.length);
    assert.equal(frames.readUInt32BE(at + 32), 5);
    assert.equal(frames.readBigUInt64BE(at + 36), BigInt(0x1_0000_0007 + slot));
    assert.equal(frames.readUInt16BE(at + 44), slot === 2 ? 1 : 0);
    assert.equal(frames.toString('latin1', at + 50, at + 50 + text.length), text);
    assert.equal(Buffer.from(ring.chunk(slot, text.length)).toString(), text);
  }
});

test('a chunk is filled in pieces, and read as a whole', () => {
  const ring = new BlobRing(6, 1, new PiecePool());
  ring.put(0, 0, Buffer.from('abc'), 0, 3);
  ring.put(0, 3, Buffer.from('xdef'), 1, 3);
  assert.equal(Buffer.from(ring.chunk(0, 6)).toString(), 'abcdef');
});

test('slots follow each other within a piece alone, and not over the end of the ring', () => {
  const small = new BlobRing(4, 3, new PiecePool());
  assert.deepEqual(
    [0, 1, 2].map((slot) => small.isFollowed(slot)),
    [true, true, false],
  );
  const large = new BlobRing(128 * 1024, 3, new PiecePool());
  assert.deepEqual(
    [0, 1, 2].map((slot) => large.isFollowed(slot)),
    [false, false, false],
  );
  const middling = new BlobRing(64 * 1024, 5, new PiecePool());
  assert.deepEqual(
    [0, 1, 2, 3].map((slot) => middling.isFollowed(slot)),
    [true, false, true, false],
  );
});

test('what is given back is taken first, and not before every chunk in it is free', () => {
  const ring = new BlobRing(64 * 1024, 6, new PiecePool());
  const byte = Buffer.alloc(1);
  const memoryOf = (slot: number): ArrayBufferLike => {
    ring.put(slot, 0, byte, 0, 1);
    return ring.chunk(slot, 1).buffer;
  };
  const [first, second] = [memoryOf(0), memoryOf(2)];
  assert.equal(memoryOf(1), first);
  ring.release(0);
  // The window has come round: the place of slot 0 is filled anew while slot 1 is not answered.
  assert.equal(memoryOf(0), first);
  ring.release(1);
  assert.notEqual(memoryOf(4), first);
  ring.release(2);
  ring.release(2);
  assert.equal(memoryOf(3), second);
  ring.release(3);
  ring.release(0);
  assert.equal(memoryOf(2), first);
  assert.equal(memoryOf(0), second);
});

test('what a write still refers to keeps its bytes when its chunks are to be written again, and is used by nobody else', () => {
  const pool = new PiecePool();
  const ring = new BlobRing(4, 2, pool);
  ring.put(0, 0, Buffer.from('abcd'), 0, 4);
  ring.putHead(0, 10, 5, 0, 0, 4);
  const { bytes, flushed } = ring.frames(0, 0, 4);
  const before = Buffer.from(bytes);
  ring.detach();
  ring.putHead(0, 11, 5, 0, 0, 4);
  const again = ring.frames(0, 0, 4);
  assert.deepEqual([again.bytes.readUInt32BE(8), again.bytes.toString('latin1', 50)], [11, 'abcd']);
  again.flushed();
  ring.release(0);
  ring.put(0, 0, Buffer.from('new!'), 0, 4);
  assert.deepEqual(bytes, before);

  const unwritten = ring.chunk(0, 4).buffer;
  ring.detach();
  assert.equal(ring.chunk(0, 4).buffer, unwritten, 'no write refers to it');
  flushed();
});

test('memory that a write may refer to is not given to the next', () => {
  const pool = new PiecePool();
  const first = new BlobRing(4, 1, pool);
  const second = new BlobRing(4, 1, pool);
  const memoryOf = (ring: BlobRing): ArrayBufferLike => {
    ring.put(0, 0, Buffer.from('abcd'), 0, 4);
    return ring.chunk(0, 4).buffer;
  };
  const used = memoryOf(first);
  const { flushed } = first.frames(0, 0, 4);
  first.release(0);
  assert.notEqual(memoryOf(second), used);
  flushed();
  second.release(0);
  const other = memoryOf(first);
  first.release(0);
  assert.equal(memoryOf(second), other, 'what no write refers to is');
});

test('a full window takes no more memory than its chunks with their heads, and a place or two', () => {
  for (const [chunkBytes, window] of [
    [1_200, 1_024],
    [256, 4_096],
    [64 * 1024, 64],
    [128 * 1024, 32],
    [1, 1],
  ] as const) {
    let taken = 0;
    const pool = new PiecePool();
    const take = pool.take.bind(pool);
    pool.take = (size) => {
      taken += size;
      return take(size);
    };
    const ring = new BlobRing(chunkBytes, window, pool);
    for (let slot = 0; slot < window; slot++) ring.put(slot, 0, Buffer.alloc(1), 0, 1);
    const places = taken / (chunkBytes + CHUNK_FRAME_BYTES);
    assert.ok(places >= window && places < window * 1.01 + 1, `${places} places for ${window} chunks of ${chunkBytes}`);
  }
});
