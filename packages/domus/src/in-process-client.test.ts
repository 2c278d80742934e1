/** A client of handlers in the same process: what a real call enforces it enforces too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowList,
  anyAuthenticatedPeer,
  bidiStream,
  type CallContext,
  clientStream,
  type Handlers,
  Imperium,
  nodeType,
  oneWay,
  ProcedureError,
  type ServicesEvent,
  serverStream,
  service,
  unary,
} from '@flaminia/services-a2';
import { z } from 'zod';
import { imperium as worldOf } from '../test/memory-bench.ts';
import { Imperium as OpenImperium } from './services.ts';
import { inProcessClient } from './testing.ts';

const Wares = service('wares', 'v1', {
  price: unary({
    input: z.object({ item: z.string() }),
    output: z.object({ cents: z.number().int() }),
    idempotent: true,
  }),
  note: oneWay({ input: z.string().max(5) }),
  countTo: serverStream({ input: z.number(), output: z.number() }),
  sum: clientStream({ input: z.number(), output: z.number() }),
  upper: bidiStream({ input: z.string(), output: z.string() }),
  whoAmI: unary<unknown, unknown>(),
  bytes: unary<number | Uint8Array, unknown>(),
});

function handlers(noted: string[] = []): Handlers<typeof Wares> {
  return {
    price({ item }) {
      if (item === 'moon') throw new ProcedureError('not-found', 'no such ware', { details: { item } });
      if (item === 'bug') throw new Error('secret');
      return { cents: item === 'half' ? 0.5 : item.length };
    },
    note: (text) => void noted.push(text),
    async *countTo(to) {
      for (let i = 1; i <= to; i++) yield i;
    },
    async sum(inputs) {
      let sum = 0;
      for await (const each of inputs) sum += each;
      return sum;
    },
    async *upper(inputs) {
      for await (const each of inputs) yield each.toUpperCase();
    },
    whoAmI: (_input, { caller, metadata, deadline }) => ({
      caller: [caller.nodeId, caller.nodeType, caller.address],
      metadata,
      hasDeadline: deadline !== undefined,
    }),
    bytes: (given) => (typeof given === 'number' ? new Uint8Array(given) : given.length),
  };
}

const caller = { nodeId: 'gateway-1', nodeType: 'gateway' };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('every kind of call reaches its handler, which sees caller, metadata and deadline', async () => {
  const noted: string[] = [];
  const client = inProcessClient(Wares, handlers(noted), { caller });
  assert.deepEqual(await client.price({ item: 'lamp' }), { cents: 4 });
  assert.equal(await client.note('hello'), undefined);
  assert.deepEqual(noted, ['hello']);
  assert.deepEqual(await all(client.countTo(3)), [1, 2, 3]);
  assert.equal(await client.sum([1, 2, 3]), 6);
  assert.deepEqual(await all(client.upper(['a', 'b'])), ['A', 'B']);
  assert.deepEqual(await client.whoAmI(null, { metadata: { lang: 'de' } }), {
    caller: ['gateway-1', 'gateway', 'tcp://127.0.0.1:1'],
    metadata: { lang: 'de' },
    hasDeadline: true,
  });
});

test('inputs and outputs are checked by their schemas, and travel as CBOR', async () => {
  const client = inProcessClient(Wares, handlers(), { caller });
  const input = { item: 'lamp', more: 1 } as never;
  assert.deepEqual(await client.price(input), { cents: 4 });
  await assert.rejects(client.price({ item: 7 } as never), { code: 'invalid-argument', message: /\bitem\b/ });
  await assert.rejects(client.note('too long'), { code: 'invalid-argument' });
  await assert.rejects(client.price({ item: 'half' }), { code: 'internal', message: /\bcents\b/ });
  await assert.rejects(
    client.whoAmI(() => {}),
    { code: 'invalid-argument' },
  );
  await assert.rejects(all(client.countTo('3' as never)), { code: 'invalid-argument' });
  await assert.rejects(client.sum(['1'] as never), { code: 'invalid-argument' });
});

test('a handler that fails is told as a real one is, again and again, and its report has the reason', async () => {
  const events: ServicesEvent[] = [];
  const client = inProcessClient(Wares, handlers(), { caller, report: (event) => events.push(event) });
  await assert.rejects(client.price({ item: 'moon' }), {
    code: 'not-found',
    message: 'no such ware',
    details: { item: 'moon' },
  });
  for (let i = 0; i < 10; i++) {
    await assert.rejects(client.price({ item: 'bug' }), { code: 'internal', message: 'the handler failed' });
  }
  assert.equal(events.length, 10);
  assert.ok(events.every((event) => event.kind === 'procedure-failed' && /secret/.test(String(event.error))));
});

test('verifier, missing identity and limits refuse', async () => {
  const verifier = allowList(Wares, { price: [nodeType('gateway')] });
  const events: ServicesEvent[] = [];
  const client = inProcessClient(Wares, handlers(), { caller, verifier, report: (event) => events.push(event) });
  assert.deepEqual(await client.price({ item: 'x' }), { cents: 1 });
  await assert.rejects(client.note('x'), { code: 'unauthorized' });
  await assert.rejects(all(client.countTo(1)), { code: 'unauthorized' });
  assert.deepEqual(
    events.map((event) => event.kind === 'call-refused' && event.reason),
    ['not-allowed', 'not-allowed'],
  );
  const nobody = inProcessClient(Wares, handlers(), { caller: { nodeId: null } });
  await assert.rejects(nobody.price({ item: 'x' }), { code: 'unauthorized' });
});

test('what is too large for a message is an error on both ways', async () => {
  const client = inProcessClient(Wares, handlers(), { caller });
  assert.equal(await client.bytes(new Uint8Array(1_000_000)), 1_000_000);
  await assert.rejects(client.bytes(new Uint8Array(9_000_000)), { code: 'internal', message: /could not travel/ });
  await assert.rejects(client.bytes(9_000_000), { code: 'internal', message: /cannot travel/ });
});

test('a call that is given up ends its handler, and so does one whose time is over', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const reasons: unknown[] = [];
  const ended = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as ProcedureError).code);
        reject(signal.reason as Error);
      });
    });
  let isRunning = (_context: CallContext): void => {};
  const running = (): Promise<CallContext> =>
    new Promise((resolve) => {
      isRunning = resolve;
    });
  const waits: Handlers<typeof Wares> = {
    ...handlers(),
    price: (_input, context) => {
      isRunning(context);
      return ended(context.signal);
    },
  };
  const client = inProcessClient(Wares, waits, { caller });
  const giveUp = new AbortController();
  let began = running();
  const first = assert.rejects(client.price({ item: 'x' }, { signal: giveUp.signal }), { code: 'cancelled' });
  await began;
  giveUp.abort();
  await first;
  began = running();
  const second = assert.rejects(client.price({ item: 'x' }), { code: 'deadline-exceeded' });
  await began;
  t.mock.timers.tick(30_000); // the `callTimeout` of a client that says nothing else
  await second;
  assert.deepEqual(reasons, ['cancelled', 'deadline-exceeded']);
});

test('a stream is pulled no further than its credit, and ends when it is left', async () => {
  let pulled = 0;
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const endless: Handlers<typeof Wares> = {
    ...handlers(),
    async *countTo() {
      try {
        for (;;) yield ++pulled;
      } finally {
        leave();
      }
    },
  };
  const client = inProcessClient(Wares, endless, { caller, windowBytes: 1024 });
  for await (const each of client.countTo(0)) if (each === 10) break;
  await left;
  assert.ok(pulled >= 10 && pulled < 2000, `${pulled} were pulled`);
});

test('what cannot be meant is refused at once', () => {
  const refused = { kind: 'invalid-config' };
  const { note: _note, ...some } = handlers();
  assert.throws(() => inProcessClient(Wares, some as never, { caller }), refused);
  assert.throws(() => inProcessClient(Wares, handlers(), {} as never), refused);
  assert.throws(() => inProcessClient(Wares, handlers(), undefined as never), refused);
  assert.throws(() => inProcessClient(Wares, handlers(), { caller, callTimeout: 0 }), refused);
  assert.throws(() => inProcessClient(Wares, handlers(), { caller, verifier: {} as never }), refused);
});

test('the errors are those of a call between two nodes', async (t) => {
  const world = worldOf(t);
  const [provider, gateway] = [await world.domus('a'), await world.domus('gateway-1', { nodeType: 'gateway' })];
  const [offering, calling] = [
    await OpenImperium.join(provider),
    await OpenImperium.join(gateway, { seeds: [provider.address] }),
  ];
  assert.ok(calling instanceof Imperium);
  await offering.provide(Wares, handlers(), { verifier: anyAuthenticatedPeer() });
  const ready = calling.ready(Wares);
  await world.advance(1_000);
  await ready;
  const clients = [calling.client(Wares), inProcessClient(Wares, handlers(), { caller })];
  const wrongs = [{ item: 7 } as never, { item: 'moon' }, { item: 'half' }];
  for (const wrong of wrongs) {
    const [real, inProcess] = await Promise.all(
      clients.map((client) => client.price(wrong).catch((error: ProcedureError) => error)),
    );
    const told = ({ code, message, details }: ProcedureError): unknown => ({ code, message, details });
    assert.ok(ProcedureError.is(real) && ProcedureError.is(inProcess));
    assert.deepEqual(told(inProcess), told(real));
  }
  const leaving = Promise.all([offering, calling].map((each) => each.leave({ drainTimeout: 0 })));
  await world.advance(10_000);
  await leaving;
});
