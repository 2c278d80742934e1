/** Bytes that go past the CBOR library must travel as they would through it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCbor, encodeCbor } from '../values/cbor-values.ts';
import { payloadBehind, valueAt } from './payload.ts';

const HEAD = Uint8Array.of(1, 2, 3, 99);
const LENGTHS = [0, 1, 23, 24, 64, 96, 97, 255, 256, 65_535, 65_536, 70_000];

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index * 7);

test('bytes of any length are written behind a head as CBOR writes them, and read again', () => {
  for (const length of LENGTHS) {
    const bytes = bytesOf(length);
    for (const value of [bytes, Buffer.from(bytes), bytesOf(length + 2).subarray(0, length)]) {
      const payload = payloadBehind(HEAD, 3, value);
      assert.deepEqual([...payload.subarray(0, 3)], [1, 2, 3]);
      assert.deepEqual(new Uint8Array(payload.subarray(3)), new Uint8Array(encodeCbor(value)), `${length}`);
      assert.deepEqual(valueAt(payload, 3), bytes);
    }
  }
});

test('what is read has no reference into the payload, and is a plain Uint8Array', () => {
  for (const length of [4, 400]) {
    const payload = Buffer.from(payloadBehind(HEAD, 0, bytesOf(length)));
    const read = valueAt(payload, 0) as Uint8Array;
    payload.fill(0);
    assert.deepEqual(read, bytesOf(length));
    assert.equal(read.constructor, Uint8Array);
  }
});

test('other values go through the library, and what it refuses is refused', () => {
  for (const value of [{ a: [1, 'x'] }, null, 'text', new Float64Array([1.5]), [Uint8Array.of(1)]])
    assert.deepEqual(valueAt(payloadBehind(HEAD, 2, value), 2), decodeCbor(encodeCbor(value)));
  assert.throws(() => payloadBehind(HEAD, 2, () => {}), { kind: 'encode-failure' });
});

test('[case-88] any short sequence of bytes means what it means to the library', () => {
  const meaning = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return (error as { kind?: string }).kind;
    }
  };
  const tails = [
    [],
    [0],
    [1, 7],
    [0, 0, 0, 0],
    [0, 1, 7],
    [0, 0, 0, 1, 7],
    [0, 0, 0, 0, 0, 0, 0, 1, 7],
    [0x41, 7, 0xff],
  ];
  for (let first = 0; first < 256; first++) {
    for (const tail of tails) {
      const bytes = Uint8Array.of(first, ...tail);
      assert.deepEqual(
        meaning(() => valueAt(bytes, 0)),
        meaning(() => decodeCbor(bytes)),
        Buffer.from(bytes).toString('hex'),
      );
    }
  }
  assert.equal(
    meaning(() => valueAt(HEAD, 4)),
    'decode-failure',
  );
});
