/** Calls of every kind between two nodes in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inProcessClient } from '@flaminia/domus/testing';
import { z } from 'zod';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { bidiStream, clientStream, oneWay, serverStream, service, unary } from '../../src/procedures/service.ts';
import type { StandardSchemaV1 } from '../../src/values/standard-schema.ts';
import { twoNodes } from './two-nodes.ts';

const Sums = service('sums', 'v1', {
  add: unary({ input: z.object({ a: z.number(), b: z.number() }), output: z.number() }),
  note: oneWay({ input: z.string() }),
  count: serverStream({ input: z.number(), output: z.number() }),
  sum: clientStream({ input: z.number(), output: z.number() }),
  echo: bidiStream({ input: z.string(), output: z.string() }),
  slow: unary<number, string>(),
  fail: unary<string, void>(),
});

const notes: string[] = [];
const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  note: (text: string) => void notes.push(text),
  count: async function* (to: number) {
    for (let i = 0; i < to; i++) yield i;
  },
  sum: async (inputs: AsyncIterable<number>) => {
    let sum = 0;
    for await (const each of inputs) sum += each;
    return sum;
  },
  echo: async function* (inputs: AsyncIterable<string>) {
    for await (const each of inputs) yield each.toUpperCase();
  },
  slow: () => new Promise<string>(() => {}),
  fail: (how: string) => {
    if (how === 'told') throw new ProcedureError('not-found', 'no such thing', { details: { id: 7 } });
    throw new Error('a secret');
  },
};

test('[case-71] a unary call has its answer, from a handler that answers at once and from one that waits', async (t) => {
  const { client } = await twoNodes(t, Sums, handlers);
  assert.equal(await client.add({ a: 1, b: 2 }), 3);
  assert.deepEqual(await Promise.all([1, 2, 3].map((a) => client.add({ a, b: 1 }))), [2, 3, 4]);
});

test('[case-72] a one-way call resolves when it was taken, and its handler runs once', async (t) => {
  notes.length = 0;
  const { client } = await twoNodes(t, Sums, handlers);
  assert.equal(await client.note('once'), undefined);
  assert.deepEqual(notes, ['once']);
});

test('a stream of outputs comes whole and in order, and ends', async (t) => {
  const { client } = await twoNodes(t, Sums, handlers);
  const seen: number[] = [];
  for await (const each of client.count(5000)) seen.push(each);
  assert.deepEqual(seen, [...new Array(5000).keys()]);
});

test('a stream of inputs has one answer', async (t) => {
  const { client } = await twoNodes(t, Sums, handlers);
  assert.equal(await client.sum([1, 2, 3]), 6);
  async function* many() {
    for (let i = 0; i < 20_000; i++) yield 1;
  }
  assert.equal(await client.sum(many()), 20_000);
});

test('a stream each way', async (t) => {
  const { client } = await twoNodes(t, Sums, handlers);
  const seen: string[] = [];
  for await (const each of client.echo(['a', 'b'])) seen.push(each);
  assert.deepEqual(seen, ['A', 'B']);
});

test('[proc-flow-5] an item that fits into a message alone passes behind a small one, in both directions', async () => {
  const Blocks = service('blocks', 'v1', {
    echo: bidiStream<Uint8Array, number>(),
    give: serverStream<null, Uint8Array>(),
  });
  // Nearly maxPayloadLen.
  const [small, large] = [new Uint8Array(20_000), new Uint8Array(8 * 1024 * 1024 - 1000)];
  const handlers = {
    echo: async function* (blocks: AsyncIterable<Uint8Array>) {
      for await (const block of blocks) yield block.length;
    },
    give: async function* () {
      yield* [small, large, small];
    },
  };
  const client = inProcessClient(Blocks, handlers, { caller: { nodeId: 'caller-1' } });
  const seen: number[] = [];
  for await (const each of client.echo([small, large, small])) seen.push(each);
  for await (const each of client.give(null)) seen.push(each.length);
  assert.deepEqual(
    seen,
    [small, large, small, small, large, small].map(({ length }) => length),
  );
});

test('[case-74] a handler that throws, and an error that it chose', async (t) => {
  const { client, events } = await twoNodes(t, Sums, handlers);
  await assert.rejects(client.fail('told'), {
    name: 'ProcedureError',
    code: 'not-found',
    message: 'no such thing',
    details: { id: 7 },
  });
  await assert.rejects(client.fail('secret'), { code: 'internal', message: 'the handler failed' });
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['handler-failed'],
  );
});

test('[case-74] a handler that throws or answers what throws when it is looked at costs its own call alone', async (t) => {
  const trap = (): never => {
    throw new Error('a trap');
  };
  const hostile = (): object => new Proxy({}, { get: trap, getPrototypeOf: trap });
  const ways: Readonly<Record<string, () => void | Promise<void>>> = {
    throws: () => {
      throw hostile();
    },
    rejects: () => Promise.reject(hostile()),
    answers: () => hostile() as never,
    thenable: () => Object.defineProperty({}, 'then', { get: trap }) as never,
  };
  const { client, events } = await twoNodes(t, Sums, { ...handlers, fail: (how: string) => ways[how]!() });
  for (const how of ['throws', 'rejects', 'answers']) await assert.rejects(client.fail(how), { code: 'internal' });
  // Its accessor is nobody's to enumerate, and an empty object is what travels.
  assert.deepEqual(await client.fail('thenable'), {});
  assert.equal(await client.add({ a: 1, b: 2 }), 3);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['handler-failed', 'handler-failed', 'handler-failed'],
  );
});

test('[case-48] an input that does not fit names its path', async (t) => {
  const { client } = await twoNodes(t, Sums, handlers);
  await assert.rejects(client.add({ a: 1, b: 'x' as never }), {
    code: 'invalid-argument',
    message: 'the input does not fit its schema at b',
  });
});

for (const [how, why, validate] of [
  ['is asynchronous', ': the schema is asynchronous, and messages are checked at once', async () => ({ value: 1 })],
  [
    'throws',
    ': the schema threw',
    () => {
      throw new Error('a secret');
    },
  ],
  ['answers nothing', '', () => undefined],
] as const) {
  test(`[case-48] a schema that ${how} is no mistake of the caller: internal, and the provider is told`, async (t) => {
    const odd = { '~standard': { version: 1, vendor: 'test', validate } } as unknown as StandardSchemaV1<number>;
    const Odd = service('odd', 'v1', {
      one: unary({ input: odd, output: z.number() }),
      sum: clientStream({ input: odd, output: z.number() }),
      out: unary({ input: z.number(), output: odd }),
    });
    const { client, events } = await twoNodes(t, Odd, {
      one: (input) => input,
      sum: async (inputs) => {
        for await (const _input of inputs);
        return 1;
      },
      out: (input) => input,
    });
    const input = { code: 'internal', message: `the input could not be checked${why}` };
    await assert.rejects(client.one(1), input);
    await assert.rejects(client.sum([1]), input);
    await assert.rejects(client.out(1), { code: 'internal', message: `the output could not be checked${why}` });
    const told = events.map((event) => [event.kind, event.procedure]);
    assert.deepEqual(
      told,
      ['odd/v1/one', 'odd/v1/sum'].map((procedure) => ['handler-failed', procedure]),
    );
    if (how === 'throws') for (const event of events) assert.match(String('error' in event && event.error), /a secret/);
  });
}

test('[case-75] a handler slower than the limit: deadline-exceeded, and an abort', async (t) => {
  let signal: AbortSignal | undefined;
  const { client, world, calls } = await twoNodes(t, Sums, {
    ...handlers,
    slow: (_input: number, context: { signal: AbortSignal }) => {
      signal = context.signal;
      return new Promise<string>(() => {});
    },
  });
  const call = client.slow(1, { timeout: 500 });
  const failed = assert.rejects(call, { code: 'deadline-exceeded' });
  await world.advance(400);
  assert.equal(signal?.aborted, false);
  await world.advance(200);
  await failed;
  assert.equal(signal?.aborted, true);
  assert.equal(calls.size, 0);
});
