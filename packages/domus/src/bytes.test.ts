import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { bytes } from './bytes.ts';
import { a3MessageType } from './message-type.ts';

const codec = bytes();

test('[api-16] sending passes the bytes on without copying them', () => {
  const message = Buffer.from('abc');
  const encoded = codec.encode(message);
  assert.equal(encoded.payload, message);
  assert.deepEqual(Object.keys(encoded), ['type', 'payload']);
  assert.equal(encoded.type, a3MessageType(0));
});

test('[api-40] what arrives is passed on as it is: without a promise to copy, a codec is given bytes of its own', () => {
  const payload = new Uint8Array([1, 2, 3]);
  assert.equal(codec.decode({ type: a3MessageType(0), payload }), payload);
  assert.equal(codec.copies, undefined);
});

test('[api-15] what is not a Uint8Array is encode-failure', () => {
  for (const message of ['abc', new ArrayBuffer(1), new Uint16Array(1), [1], null, undefined]) {
    assert.throws(() => codec.encode(message as unknown as Uint8Array), {
      kind: 'encode-failure',
      detail: 'not-bytes',
    });
  }
});

test('[api-17] a schema checks what arrives, and a message of another type is refused', () => {
  const short = bytes(
    z.instanceof(Uint8Array).refine((value) => value.length < 4),
    { type: a3MessageType(3) },
  );
  const arriving = (length: number) => ({ type: a3MessageType(3), payload: new Uint8Array(length) });
  assert.equal(short.decode(arriving(3)).length, 3);
  assert.throws(() => short.decode(arriving(4)), { kind: 'decode-failure', detail: 'schema-mismatch' });
  assert.throws(() => codec.decode(arriving(1)), { kind: 'decode-failure', detail: 'message-type' });
});

test('[api-17] types: bytes in, and bytes or what the schema makes of them out', () => {
  const length = bytes(z.instanceof(Uint8Array).transform((value) => value.length));
  const count: number = length.decode(length.encode(new Uint8Array(7)));
  assert.equal(count, 7);
  // @ts-expect-error: a schema of something else
  assert.equal(typeof bytes(z.string()), 'object');
  // @ts-expect-error: what is sent are bytes
  assert.throws(() => codec.encode('text'));
});
