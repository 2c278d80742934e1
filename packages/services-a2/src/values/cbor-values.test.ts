/** What the conversion shares with the host application, whose cbor-x may be the same one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cborX from 'cbor-x';
import { decodeCbor, encodeCbor } from './cbor-values.ts';

test('[api-15] what encode gives is alone in its memory, and no later message changes it', () => {
  const first = encodeCbor({ name: 'first', text: 'x'.repeat(100) });
  assert.equal(first.buffer.byteLength, first.length);
  const copy = Buffer.from(first);
  for (let round = 0; round < 500; round++) encodeCbor({ round, text: 'y'.repeat(round) });
  // the host application may use the same cbor-x, and make it write where it likes
  const arena = Buffer.alloc(4096);
  const host = new cborX.Encoder() as cborX.Encoder & { useBuffer(buffer: Uint8Array): void };
  host.useBuffer(arena);
  const during = encodeCbor('during');
  host.useBuffer(arena);
  host.encode('z'.repeat(2000));
  assert.deepEqual(Buffer.from(first), copy);
  assert.equal(decodeCbor(during), 'during');
});

test('[api-19] the host application’s own cbor-x keeps its behaviour', () => {
  decodeCbor(encodeCbor({ a: [new Date(0), 2n ** 70n] }));
  assert.ok(cborX.decode(cborX.encode(/x/g)) instanceof RegExp);
  const records = new cborX.Encoder({ useRecords: true, structures: [] });
  assert.deepEqual(records.decode(records.encode({ a: 1 })), { a: 1 });
});

test('[api-16] a tag of cbor-x that only it understands does not travel', () => {
  assert.throws(() => encodeCbor([new cborX.Tag('x', 27)]), { kind: 'encode-failure', detail: 'tag' });
});
