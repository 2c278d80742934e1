import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownBytes } from './own-bytes.ts';

const SIZES = [0, 1, 63, 64, 65, 100, 1000, 4095, 4096, 70_000];

function numbered(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);
}

test('[api-40] a copy is plain bytes, equal to the original, and stays so whatever happens to that and to its neighbours', () => {
  const copies: [Uint8Array, Uint8Array][] = [];
  for (let round = 0; round < 200; round++) {
    for (const size of SIZES.filter((size) => size < 5_000 || round % 50 === 0)) {
      const chunk = numbered(size + 10, round);
      const copy = ownBytes(chunk, 4, size);
      assert.equal(copy.constructor, Uint8Array);
      copies.push([copy, chunk.slice(4, 4 + size)]);
      chunk.fill(0xee);
    }
  }
  for (const [copy, right] of copies) assert.deepEqual(copy, right);
  for (const [copy] of copies.filter((_, i) => i % 2 === 0)) copy.fill(0xdd);
  for (const [copy, right] of copies.filter((_, i) => i % 2 === 1)) assert.deepEqual(copy, right);
});

test('[api-40] a payload that shares its memory with others cannot be transferred away from them', () => {
  const small = ownBytes(numbered(100, 1), 0, 100);
  const neighbour = ownBytes(numbered(100, 2), 0, 100);
  assert.equal(small.buffer, neighbour.buffer);
  try {
    structuredClone(small, { transfer: [small.buffer as ArrayBuffer] });
  } catch {
    // Newer versions of Node refuse, older ones copy.
  }
  assert.deepEqual(neighbour, numbered(100, 2));
});
