import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cbor } from './cbor.ts';
import type { EncodedMessage, MessageCodec } from './codec.ts';
import { a3MessageType } from './message-type.ts';

const codec = cbor();
const carried = (value: unknown) => codec.decode(codec.encode(value));
const fromHex = (hex: string) => codec.decode({ type: a3MessageType(0), payload: Buffer.from(hex, 'hex') });
const refusedAt = (kind: string, detail: string) => ({ name: 'DomusError', kind, detail });

class Point {
  x = 1;
  y = 2;
  norm(): number {
    return Math.hypot(this.x, this.y);
  }
}

test('[api-16] values of every supported type arrive as they were sent', () => {
  const values: unknown[] = [
    ...[undefined, null, true, false, 0, 1, -1, 23, 24, 255, 256, 65_536, 2 ** 32, -(2 ** 32) - 1, 2 ** 53, 1.5, 1e300],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 0.1],
    ...['', 'a', 'Größe 🛶', 'x'.repeat(63), 'ü'.repeat(64), 'x'.repeat(100_000), '[object Object]', '\u0000'],
    ...[5n, -5n, 2n ** 53n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 64n), 2n ** 256n - 1n, -(2n ** 256n)],
    ...[new Date(0), new Date(1_700_000_000_123), new Date(-1), new Date(8.64e15)],
    ...[[], [1, [2, [3]]], new Array(70_000).fill(0), {}, { a: { b: [] } }, { 1: 'one', constructor: 'Ferrari' }],
    new Map<unknown, unknown>([
      [1, 'number'],
      ['1', 'text'],
      [{ a: 1 }, [2]],
      ['__proto__', {}],
    ]),
    ...[new Set([1, 'a', null]), new Map(), new Set()],
    ...[new Uint8Array([1, 2]), new Uint8ClampedArray([1]), new Int8Array([-1]), new Uint16Array([1, 65_535])],
    ...[new Int16Array([-1]), new Uint32Array([2 ** 31]), new Int32Array([-1]), new BigUint64Array([2n ** 63n])],
    ...[new BigInt64Array([-1n]), new Float32Array([1.5]), new Float64Array([Math.PI])],
  ];
  for (const value of values) assert.deepEqual(carried(value), value);
});

test('[api-16] what changes on the way is what the documentation says', () => {
  assert.deepEqual(carried(Buffer.from('ab')), new Uint8Array([0x61, 0x62]));
  assert.deepEqual(carried(new Point()), { x: 1, y: 2 });
  assert.equal(Object.is(carried(-0), 0), true);
  // an integer in 8 bytes, as other programs write them
  assert.equal(fromHex('1b0000000000000005'), 5n);
  // of a repeated key the last counts
  assert.deepEqual(fromHex('a2616101616102'), { a: 2 });
  // integer keys become property names
  assert.deepEqual(fromHex('a105f6'), { 5: null });
});

test('[api-16] big-endian typed arrays of other programs arrive in the order of this machine', () => {
  assert.deepEqual(fromHex('d8414401020304'), new Uint16Array([0x0102, 0x0304]));
  assert.deepEqual(fromHex('d851443fc00000'), new Float32Array([1.5]));
});

test('[api-16] an object with more keys than 16 bits count is carried whole', () => {
  const wide = Object.fromEntries(Array.from({ length: 65_537 }, (_, index) => [`k${index}`, index]));
  assert.deepEqual(carried([wide, { after: wide }]), [wide, { after: wide }]);
});

test('[api-16] what cannot travel fails at the sender, with encode-failure', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)]);
  const cases: [unknown, string][] = [
    [() => {}, 'not-cbor'],
    [{ method() {} }, 'not-cbor'],
    [Symbol('s'), 'not-cbor'],
    [cyclic, 'not-cbor'],
    [/x/, 'tag'],
    [new Error('secret'), 'tag'],
    [JSON.parse('{"__proto__": 1}'), 'reserved-key'],
    [{ constructor: { prototype: {} } }, 'reserved-key'],
    ['half \ud800', 'text'],
    [`\ufeff${'x'.repeat(100)}`, 'text'],
    [2n ** 256n, 'tag-content'],
    [nested(65), 'too-deep'],
    [new Array(2 ** 20).fill(0), 'too-many-items'],
  ];
  for (const [value, detail] of cases) {
    assert.throws(() => codec.encode(value), refusedAt('encode-failure', detail), detail);
  }
  assert.deepEqual(carried(nested(64)), nested(64));
});

test('[api-16] a value that throws while it is read fails with encode-failure, keeps its cause, and spoils nothing after it', () => {
  const cause = new Error('from a getter');
  const trap = {
    before: 'x'.repeat(20_000),
    get broken(): never {
      throw cause;
    },
  };
  assert.throws(() => codec.encode(trap), { kind: 'encode-failure', cause });
  assert.deepEqual(carried({ a: 1 }), { a: 1 });
});

test('[api-19] hostile bytes are refused before cbor-x sees them', () => {
  const cases: [hex: string, detail: string][] = [
    [`c25a00400000${'ff'.repeat(64)}`, 'tag-content'], // a bignum, quadratic
    ['d81b83665265674578706178606178', 'tag'], // revives a RegExp
    ['d81b82654572726f726178', 'tag'], // revives an Error
    ['d9dfff8319e00081616101', 'tag'], // defines a record
    ['dbffffffffffffdfff80', 'tag'],
    ['d81c80', 'tag'], // shared values
    ['81'.repeat(3000), 'too-deep'],
    ['9affffffff', 'truncated'],
    ['7affffffff', 'truncated'],
    ['a1695f5f70726f746f5f5f00', 'reserved-key'],
    ['61ff', 'text'],
    ['82ff01', 'malformed'],
    ['f814', 'simple-value'],
    ['', 'truncated'],
  ];
  for (const [hex, detail] of cases) assert.throws(() => fromHex(hex), refusedAt('decode-failure', detail), hex);
});

test('[api-40] bytes that arrive are the handler’s own', () => {
  const sent = { raw: Buffer.from('abcdef'), list: new Uint16Array([1, 2, 3]) };
  const { type, payload } = codec.encode(sent);
  const shared = Buffer.concat([Buffer.from('other peer'), payload, Buffer.from('other peer')]);
  const view = shared.subarray(10, 10 + payload.length);
  for (const arriving of [view, new Uint8Array(view.buffer, view.byteOffset, view.byteLength)]) {
    const received = codec.decode({ type, payload: arriving }) as { raw: Uint8Array; list: Uint16Array };
    assert.equal(received.raw.constructor, Uint8Array);
    assert.equal(received.raw.buffer.byteLength, 6);
    assert.equal(received.list.buffer.byteLength, 6);
    const before = Buffer.from(shared);
    shared.fill(0);
    assert.deepEqual(received, { raw: new Uint8Array(Buffer.from('abcdef')), list: sent.list });
    before.copy(shared);
  }
  assert.equal(codec.copies, true);
});

test('[api-40] decoding leaves no mark on the payload', () => {
  const { type, payload } = codec.encode({ a: 1 });
  codec.decode({ type, payload });
  assert.deepEqual(Object.keys(payload).length, payload.length);
});

test('[api-16] a message of another type is decode-failure', () => {
  const seven: MessageCodec<unknown> = cbor(undefined, { type: a3MessageType(7) });
  const message: EncodedMessage = seven.encode(1);
  assert.equal(message.type, 0x0100_0007);
  assert.equal(seven.decode(message), 1);
  assert.throws(() => codec.decode(message), {
    ...refusedAt('decode-failure', 'message-type'),
    message: 'decode-failure: the endpoint takes messages of type 0x01000000, not 0x01000007',
  });
});

test('[api-58] no text of a failure shows what was in the message', () => {
  const secret = 'hunter2';
  const cases = [
    () => codec.encode([secret, Symbol(secret)]),
    () => codec.encode({ [secret]: new Error(secret) }),
    () => fromHex(`82 67${Buffer.from(secret).toString('hex')} d81b80`.replaceAll(' ', '')),
    () => fromHex(`67${Buffer.from(secret).toString('hex')}67${Buffer.from(secret).toString('hex')}`),
  ];
  for (const attempt of cases) {
    assert.throws(attempt, (error: Error) => !error.message.includes(secret));
  }
});
