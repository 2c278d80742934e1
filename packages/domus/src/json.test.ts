import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { json } from './json.ts';
import { a3MessageType } from './message-type.ts';

const codec = json();
const carried = (value: unknown) => codec.decode(codec.encode(value));
const fromText = (text: string | Uint8Array) => codec.decode({ type: a3MessageType(0), payload: Buffer.from(text) });
const refusedAt = (kind: string, detail: string) => ({ name: 'DomusError', kind, detail });

test('[api-16] messages travel as UTF-8 JSON and arrive by its rules', () => {
  assert.equal(Buffer.from(codec.encode({ größe: [1, '🛶'] }).payload).toString(), '{"größe":[1,"🛶"]}');
  for (const value of [null, true, 0, 1.5, '', 'text', [], {}, { a: { b: [1, { c: null }] } }]) {
    assert.deepEqual(carried(value), value);
  }
  assert.deepEqual(carried([Number.NaN, Number.POSITIVE_INFINITY, -0, undefined]), [null, null, 0, null]);
  assert.deepEqual(carried({ a: undefined, b: () => {}, c: 1 }), { c: 1 });
  assert.equal(carried(new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.equal(carried('half \ud800'), 'half \ud800');
});

test('[api-16] what JSON cannot carry is encode-failure', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const thrown = new Error('from toJSON');
  const throwing = {
    toJSON() {
      throw thrown;
    },
  };
  for (const value of [undefined, () => {}, Symbol('s'), cyclic, { toJSON: () => undefined }]) {
    assert.throws(() => codec.encode(value), refusedAt('encode-failure', 'not-json'));
  }
  assert.throws(() => codec.encode(throwing), { kind: 'encode-failure', cause: thrown });
  assert.throws(() => codec.encode(undefined), /JSON cannot carry a message that is undefined/);
  assert.throws(() => codec.encode(() => {}), /JSON cannot carry a message that is a function/);
});

test('[api-16] a bigint is encode-failure, with a way out in the text', () => {
  assert.throws(() => codec.encode({ n: 5n }), {
    ...refusedAt('encode-failure', 'bigint'),
    message: 'encode-failure: JSON has no bigint: send it as text, or use cbor()',
  });
});

test('[api-19] what is not one JSON text in UTF-8 is decode-failure', () => {
  for (const text of ['', '{', '{"a":1}x', 'undefined', "{'a':1}", '\ufeff1', '01', '[1,]', 'nan']) {
    assert.throws(() => fromText(text), refusedAt('decode-failure', 'malformed'), text);
  }
  for (const bytes of [[0x22, 0xff, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xe2]]) {
    assert.throws(() => fromText(Uint8Array.from(bytes)), refusedAt('decode-failure', 'malformed'));
  }
});

test('[api-58] a failure shows nothing of the payload, not even when it is inspected', () => {
  const attempt = () => fromText('{"password": hunter2}');
  assert.throws(attempt, (error) => !inspect(error, { depth: null }).includes('hunter'));
});

test('[api-19] keys that could change a prototype are refused both ways, however they are written', () => {
  const hostile = [
    '{"__proto__":1}',
    '{"__proto__":{"admin":true}}',
    '{"a":[{"b":{"__proto__":null}}]}',
    '{"\\u005f_proto__":1}',
    '{"__pr\\u006fto__":1}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"a":{"constructor":{}}}',
    '{"\\u0063onstructor":{}}',
  ];
  for (const text of hostile) {
    assert.throws(() => fromText(text), refusedAt('decode-failure', 'reserved-key'), text);
    assert.throws(() => codec.encode(JSON.parse(text)), refusedAt('encode-failure', 'reserved-key'), text);
  }
  const harmless = [
    '"__proto__"',
    '["constructor"]',
    '{"constructor":"Ferrari"}',
    '{"constructor":[{}]}',
    '{"a\\u0000":1}',
  ];
  for (const text of harmless) assert.deepEqual(fromText(text), JSON.parse(text));
});

test('[api-19] nesting deeper than the stack is read, also while keys are looked at', () => {
  const depth = 100_000;
  const text = `{"__proto":"\\u0061","a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  assert.ok(Array.isArray((fromText(text) as { a: unknown }).a));
});

test('[api-16] a payload is read where it lies in a larger buffer, and a message of another type is refused', () => {
  const text = Buffer.from('xx{"a":1}xx');
  const payload = new Uint8Array(text.buffer, text.byteOffset + 2, 7);
  assert.deepEqual(codec.decode({ type: a3MessageType(0), payload }), { a: 1 });
  assert.throws(() => codec.decode({ type: a3MessageType(1), payload }), refusedAt('decode-failure', 'message-type'));
  assert.equal(codec.copies, true);
});
