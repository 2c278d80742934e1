/** The memory of an incoming stream against a naive twin: a map from chunk ids to bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlobStore } from './blob-store.ts';

function put(store: BlobStore, chunk: number, bytes: Uint8Array): void {
  const landing = store.landing(chunk, bytes.length);
  landing.take(bytes, 0, bytes.length);
  store.landed(chunk, landing, bytes.length);
}

test('full chunks side by side are read as one piece', () => {
  const store = new BlobStore({ chunkBytes: 4, window: 8 });
  for (const [i, text] of ['abcd', 'efgh', 'ij', 'klmn'].entries()) put(store, i, Buffer.from(text));
  assert.equal(store.read(0, 4).toString(), 'abcdefghij');
  assert.equal(store.given, 3);
  assert.equal(store.read(3, 4).toString(), 'klmn');
  assert.equal(store.given, 4);
});

test('a place is landed on once: whoever comes again gets other memory', () => {
  const store = new BlobStore({ chunkBytes: 4, window: 4 });
  const cutOff = store.landing(0, 4);
  const twin = store.landing(0, 4);
  assert.notEqual(twin.bytes, cutOff.bytes);
  twin.take(Buffer.from('good'), 0, 4);
  store.landed(0, twin, 4);
  put(store, 1, Buffer.from('next'));
  cutOff.take(Buffer.from('EVIL'), 0, 4);
  assert.equal(store.read(0, 2).toString(), 'good');
  assert.equal(store.read(1, 2).toString(), 'next');
});

test('a large chunk takes no more memory than it has bytes', () => {
  const store = new BlobStore({ chunkBytes: 1024 * 1024, window: 4 });
  assert.equal(store.landing(0, 10).bytes.length, 10);
  assert.equal(store.landing(1, 1024 * 1024).bytes.length, 1024 * 1024);
});

test('random windows, sizes and orders: the same bytes as the twin has', () => {
  const sizes = fc.constantFrom(1, 3, 1000, 30_000, 40_000, 65_536, 70_000);
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat(99)), (chunkBytes, window, dice) => {
      const roll = (bound: number): number => dice.next().value % bound;
      const store = new BlobStore({ chunkBytes, window });
      const twin = new Map<number, Buffer>();
      let next = 0;
      for (let turn = 0; turn < 60; turn++) {
        const chunk = next + roll(window);
        if (!twin.has(chunk)) {
          const length = roll(3) === 0 ? roll(Math.min(chunkBytes, 90) + 1) : chunkBytes;
          const bytes = Buffer.alloc(length, (chunk % 251) + 1);
          // Sometimes an earlier attempt was cut off, and writes when it is too late.
          const stale = roll(4) === 0 ? store.landing(chunk, length) : undefined;
          put(store, chunk, bytes);
          stale?.take(Buffer.alloc(length, 0xee), 0, length);
          twin.set(chunk, bytes);
        }
        let end = next;
        while (twin.has(end)) end++;
        if (end === next || roll(2) === 0) continue;
        const bytes = store.read(next, end);
        const run = store.given;
        assert.ok(run > next && run <= end);
        const expected = Buffer.concat(Array.from({ length: run - next }, (_, i) => twin.get(next + i)!));
        assert.ok(bytes.equals(expected), `chunks ${next} to ${run}`);
        for (; next < run; next++) twin.delete(next);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});
