/** The check at the far end of the demo's stream. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { arrivalOf, differenceOf } from './arrival.ts';

const SHA256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const abc = { bytes: 3, sha256: SHA256_OF_ABC };

test('an arrival is told by its length and its hash, whatever its pieces', async () => {
  assert.deepEqual(await arrivalOf(Readable.from([Buffer.from('a'), Buffer.from('bc')])), abc);
  assert.equal(differenceOf(abc, abc), undefined);
});

test('what differs is said', () => {
  const other = { bytes: 3, sha256: '0'.repeat(64) };
  assert.match(differenceOf(abc, other) ?? '', /^SHA-256 ba78.* was sent, and 0000.* arrived$/);
  assert.match(differenceOf(abc, { ...abc, bytes: 2 }) ?? '', /^3 bytes were sent, and 2 arrived$/);
  assert.match(differenceOf(abc, undefined) ?? '', /no file before it/);
});
