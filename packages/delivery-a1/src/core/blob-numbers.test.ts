import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS } from '../../test/test-settings.ts';
import { areSame, bytesOf, lesser, ownNumbers } from './blob-numbers.ts';

test('[cfg-9] the own proposal is cut to what a frame holds, and is one byte at least', () => {
  const proposal = (blobChunkBytes: number, maxPayloadLen: number): number =>
    ownNumbers({ ...SETTINGS, blobChunkBytes, maxPayloadLen }).chunkBytes;
  assert.equal(proposal(1000, 1018), 1000);
  assert.equal(proposal(1000, 1017), 999);
  assert.equal(proposal(1000, 1), 1);
});

test('[a1-bcal-2] what two sides have in common is the lesser of each number', () => {
  const common = lesser({ chunkBytes: 10, window: 4 }, { chunkBytes: 8, window: 6 });
  assert.deepEqual(common, { chunkBytes: 8, window: 4 });
  assert.equal(bytesOf(common), 32);
  assert.ok(areSame(common, { chunkBytes: 8, window: 4 }));
  assert.ok(!areSame(common, { chunkBytes: 8, window: 5 }) && !areSame(common, { chunkBytes: 9, window: 4 }));
});
