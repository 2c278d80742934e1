import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Digest } from './digest.ts';
import type { NodeRecord, SignedRecord } from './record.ts';

function signed(stampHi: number, stampLo: number, key = '0700000000000000'): SignedRecord {
  return { record: {} as NodeRecord, bytes: new Uint8Array(0), validFromMs: 0, key, stampHi, stampLo };
}

const RECORDS = [signed(0x0123_4567, 0x89ab_cdef), signed(0xdead_beef, 0x0bad_cafe), signed(3, 5)];

test('[topo-cmp-1] equal tables have equal digests, in whatever order they came to be', () => {
  const [forward, backward] = [new Digest(), new Digest()];
  for (const record of RECORDS) forward.toggle(record, false);
  for (const record of [...RECORDS].reverse()) backward.toggle(record, false);
  assert.deepEqual(forward, backward);
  for (const record of RECORDS) forward.toggle(record, false);
  assert.deepEqual(forward, new Digest());
});

test('[topo-cmp-1] the ends of two nodes do not cancel each other, nor those of three', () => {
  for (const count of [1, 2, 3]) {
    const [living, dead] = [new Digest(), new Digest()];
    for (const record of RECORDS.slice(0, count)) {
      living.toggle(record, false);
      dead.toggle(record, true);
    }
    assert.notEqual(living.rootHi, dead.rootHi);
    assert.notEqual(living.rootLo, dead.rootLo);
    assert.notEqual(living.buckets[7], dead.buckets[7]);
  }
});

test('[topo-cmp-1] the dead stand there with halves swapped and finalized as MurmurHash3 does; the first byte is the bucket', () => {
  const digest = new Digest();
  digest.toggle(signed(1, 0xffff_ffff, 'fe00000000000001'), true);
  assert.deepEqual([digest.rootHi, digest.rootLo], [0x81f1_6f39, 0x514e_28b7]);
  assert.equal(digest.buckets[0xfe], (0x81f1_6f39 ^ 0x514e_28b7) >>> 0);
  assert.equal(digest.buckets.filter((bucket) => bucket !== 0).length, 1);
});
