/** Schemas in the ready-made codecs: what they check, what their failures say, and the types that follow from them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { InferInput, InferOutput, StandardSchemaV1 } from '@flaminia/services-a2';
import { schemaCheck } from '@flaminia/services-a2/internal';
import { DomusError } from '@flaminia/transport-a0';
import { z } from 'zod';
import { cbor } from './cbor.ts';
import type { MessageCodec } from './codec.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { json } from './json.ts';
import { a3MessageType } from './message-type.ts';

const Order = z.object({
  id: z.string(),
  lines: z.array(z.object({ item: z.string(), price: z.number() })),
  note: z.string().default('none'),
});

/** A schema by hand that answers what it is told. */
function answering(answer: () => unknown): StandardSchemaV1 {
  const validate = answer as StandardSchemaV1['~standard']['validate'];
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

function failure(attempt: () => unknown): DomusError {
  try {
    attempt();
  } catch (error) {
    assert.ok(error instanceof DomusError);
    assert.equal(error.kind, 'decode-failure');
    return error;
  }
  assert.fail('did not fail');
}

for (const [name, codec, unchecked] of [
  ['cbor', cbor(Order), cbor()],
  ['json', json(Order), json()],
] as const) {
  test(`[api-17] ${name}() gives the schema's output, defaults filled in`, () => {
    const sent = { id: 'a1', lines: [{ item: 'x', price: 1.5 }] };
    assert.deepEqual(codec.decode(codec.encode(sent)), { ...sent, note: 'none' });
  });

  test(`[api-17] ${name}() refuses what does not fit, naming the places and no values`, () => {
    const arriving = unchecked.encode({
      id: 'hunter2',
      lines: [
        { item: 'x', price: 1 },
        { item: 7, price: 'hunter2' },
      ],
    });
    const error = failure(() => codec.decode(arriving));
    assert.equal(error.detail, 'schema-mismatch');
    const places = 'lines[1].item, lines[1].price';
    assert.equal(error.message, `decode-failure: the message does not fit its schema at ${places}`);
    assert.equal(error.cause, undefined);
    assert.match(failure(() => codec.decode(unchecked.encode('text'))).message, /its schema at its top level$/);
  });
}

test('[api-17] sending is not checked by the schema: the receiver is the one who must', () => {
  const wrong = { id: 5 } as unknown as z.input<typeof Order>;
  assert.deepEqual(json().decode(json(Order).encode(wrong)), { id: 5 });
});

test('[api-18] an asynchronous schema is decode-failure with that reason, and its outcome is not left unhandled', async () => {
  const late = cbor(z.string().refine(async () => true));
  const asynchronous = /the schema is asynchronous/;
  // zod throws or answers with a promise, by its version: either way the message is refused
  assert.equal(failure(() => late.decode(late.encode('x'))).kind, 'decode-failure');
  const promises = [
    async () => Promise.reject(new Error('late')),
    () => runInNewContext('Promise.reject(new Error("of another realm"))'),
    // biome-ignore lint/suspicious/noThenProperty: what other libraries do
    () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject(new Error('of another library')) }),
  ];
  for (const promise of promises) {
    const error = failure(() => schemaCheck(answering(promise))('x'));
    assert.equal(error.detail, 'schema-asynchronous');
    assert.match(error.message, asynchronous);
  }
  await new Promise(setImmediate); // an unhandled rejection would end the test here
});

test('[api-17] a schema that throws is decode-failure with its cause', () => {
  const cause = new Error('broken');
  const check = schemaCheck(
    answering(() => {
      throw cause;
    }),
  );
  const error = failure(() => check('x'));
  assert.equal(error.detail, 'schema-failed');
  assert.equal(error.cause, cause);
});

test('[api-58] places are few, short and free of control characters, since a peer chooses the keys', () => {
  const issue = (...path: (PropertyKey | { key: PropertyKey })[]) => ({ message: 'wrong', path });
  const issues = [
    issue('a', 0, { key: 'b' }),
    issue('with space', 'new\nline'),
    issue('a', 0, 'b'),
    issue('x'.repeat(500), 'y'),
    { message: 'no path' },
    issue(Symbol('s')),
    issue('more'),
  ];
  const error = failure(() => schemaCheck(answering(() => ({ issues })))('x'));
  assert.equal(
    error.message,
    'decode-failure: the message does not fit its schema at ' +
      `a[0].b, ["with space"]["new\\nline"], ${'x'.repeat(80)}…, its top level and 2 more`,
  );
});

test('[api-17] what is no Standard Schema is invalid-config when the codec is made', () => {
  for (const bad of [
    null,
    {},
    5,
    { '~standard': {} },
    { '~standard': { version: 2, validate: () => ({ value: 1 }) } },
  ]) {
    assert.throws(() => cbor(bad as unknown as StandardSchemaV1), { code: 'invalid-config' });
  }
});

test('[api-16] a codec may send any application type, and nothing else', () => {
  assert.equal(cbor(Order, { type: a3MessageType(9) }).encode({ id: '', lines: [] }).type, 0x0100_0009);
  for (const type of [0, 1, 0x0001_0000, 0x00ff_ffff, 0xffff_ff00, 0xffff_ffff, -1, 1.5, Number.NaN]) {
    for (const make of [cbor, json]) assert.throws(() => make(undefined, { type }), { code: 'invalid-config' });
  }
  assert.throws(() => json(Order, { type: 5 }), /an integer, 0x01000000 to 0xfffffeff, got 5/);
});

test('[api-17] types: input and output of the schema become what is sent and what is received', () => {
  const orders: MessageCodec<z.input<typeof Order>, z.output<typeof Order>> = cbor(Order);
  const named: Endpoint<InferInput<typeof Order>, InferOutput<typeof Order>> = endpoint('orders', json(Order));
  const counted: MessageCodec<string, number> = json(z.string().transform((text) => text.length));
  const note: string = orders.decode(orders.encode({ id: 'a', lines: [] })).note;
  assert.deepEqual([note, counted.decode(counted.encode('four')), named.name], ['none', 4, 'orders']);

  // @ts-expect-error: lines are missing
  orders.encode({ id: 'a' });
  // @ts-expect-error: what arrives is a number
  const text: string = counted.decode(counted.encode('four'));
  assert.equal(text, 4 as unknown);
});

test('[api-17] types: without a schema the given type is believed, and unknown where none is given', () => {
  const typed: MessageCodec<{ a: number }> = cbor<{ a: number }>();
  const withType = json<string>(undefined, { type: a3MessageType(1) });
  const unknownValue = json().decode(json().encode({ a: 1 }));
  assert.deepEqual([typed.decode(typed.encode({ a: 1 })), withType.encode('x').type], [{ a: 1 }, 0x0100_0001]);
  // @ts-expect-error: nothing is known of it
  assert.equal(unknownValue.a, 1);
  // @ts-expect-error: not a message of this type
  typed.encode({ a: 'one' });
  // @ts-expect-error: not a schema
  assert.throws(() => cbor({ type: 5 }));
});
