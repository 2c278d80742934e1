import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { SlabWriter } from './slab-writer.ts';

/** Keeps every write, and its callback until `flush`. */
function heldStream(): { stream: Writable; writes: Buffer[]; flush: () => void } {
  const writes: Buffer[] = [];
  const callbacks: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1 << 30,
    write: (chunk: Buffer, _encoding, callback) => {
      writes.push(chunk);
      callbacks.push(callback);
    },
  });
  return { stream, writes, flush: () => callbacks.shift()?.() };
}

test('frames that were claimed go out in one write', () => {
  const { stream, writes } = heldStream();
  const slabs = new SlabWriter(stream, 32);
  for (const value of [1, 2, 3]) {
    const at = slabs.claim();
    slabs.bytes.fill(value, at, at + 32);
  }
  slabs.flush();
  slabs.flush();
  assert.deepEqual(writes, [Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(32, value)))]);
});

test('a full slab goes out by itself, and a frame is never split', () => {
  const { stream, writes } = heldStream();
  const slabs = new SlabWriter(stream, 1_000);
  for (let frames = 66; frames > 0; frames--) slabs.claim();
  assert.deepEqual(
    writes.map((write) => write.length),
    [65_000],
  );
});

test('a frame larger than a slab gets one of its own size', () => {
  const { stream, writes } = heldStream();
  const slabs = new SlabWriter(stream, 100_000);
  slabs.claim();
  slabs.flush();
  assert.deepEqual(
    writes.map((write) => write.length),
    [100_000],
  );
});

test('a slab is used again only when its write has called back', async () => {
  const { stream, writes, flush } = heldStream();
  const slabs = new SlabWriter(stream, 32);
  const write = (value: number): Uint8Array => {
    const at = slabs.claim();
    slabs.bytes.fill(value, at, at + 32);
    const used = slabs.bytes;
    slabs.flush();
    return used;
  };
  const first = write(1);
  assert.notEqual(write(2), first, 'the first is still being written');
  assert.equal(writes[0]?.[0], 1);
  flush();
  await new Promise(setImmediate);
  write(3);
  assert.equal(write(4), first);
});
