/**
 * Streams: how far a producer runs ahead, and every way in which a stream can end.
 *
 * Long on purpose: each promise to a stream is one short test, and all share the same handlers.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Port, PortMessage, SendWaiter } from '../../src/port.ts';
import type { CallContext, Handlers } from '../../src/procedures/call-types.ts';
import { Calls } from '../../src/procedures/calls.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { ProvidedService, type ProvisionEvent } from '../../src/procedures/provided-service.ts';
import { Sums, sums, whenAborted } from './sums.ts';
import { oneProvider, type TwoNodes, type TwoNodesOptions, twoNodes } from './two-nodes.ts';

const WINDOW = 262_144;
const ITEM = 'x'.repeat(1021);
/** As CBOR. */
const ITEM_BYTES = 1024;

type Changed = Partial<Handlers<typeof Sums>>;

function nodesWith(t: TestContext, changed: Changed, options?: TwoNodesOptions): Promise<TwoNodes<typeof Sums>> {
  return twoNodes(t, Sums, { ...sums().handlers, ...changed }, options);
}

/** An endless stream that counts what was pulled, and how often it was left. */
class Source {
  pulled = 0;
  left = 0;

  async *items<T>(item: T): AsyncGenerator<T> {
    try {
      for (;;) {
        this.pulled++;
        yield item;
      }
    } finally {
      this.left++;
    }
  }
}

test('[proc-flow-7] [case-56] a consumer that does not read stops the producer, and one that reads on moves it by half a window', async (t) => {
  const source = new Source();
  const { client, world } = await nodesWith(t, { echo: () => source.items(ITEM) });
  const outputs = client.echo([])[Symbol.asyncIterator]();
  await world.advance(60_000);
  const full = source.pulled;
  assert.ok(full * ITEM_BYTES <= WINDOW + ITEM_BYTES && full * ITEM_BYTES > WINDOW - 2 * ITEM_BYTES, `${full} items`);
  for (let read = 0; read < full / 2 - 40; read++) await outputs.next();
  await world.advance(0);
  assert.equal(source.pulled, full, 'less than half a window is worth no message');
  for (let read = 0; read < 80; read++) await outputs.next();
  await world.advance(0);
  assert.ok(source.pulled > full + full / 3 && source.pulled <= full + full / 2 + 41, `${source.pulled} items`);
  await outputs.return?.();
  await world.advance(0);
  assert.equal(source.left, 1);
});

test('[proc-flow-7] [case-56] a handler that does not read stops its caller’s producer', async (t) => {
  const source = new Source();
  const controller = new AbortController();
  const { client, world } = await nodesWith(t, {
    echo: async function* () {
      yield await new Promise<string>(() => {});
    },
  });
  client.echo(source.items(ITEM), { signal: controller.signal });
  await world.advance(60_000);
  const bytes = source.pulled * ITEM_BYTES;
  assert.ok(bytes <= WINDOW + ITEM_BYTES && bytes > WINDOW - 2 * ITEM_BYTES, `${source.pulled} items`);
  controller.abort();
  await world.advance(0);
  assert.equal(source.left, 1);
});

test('[proc-stop-2] [proc-stop-3] leaving the outputs early aborts the handler and runs its finally', async (t) => {
  const source = new Source();
  const reasons: unknown[] = [];
  const { client, world, provided, calls } = await nodesWith(t, {
    echo: (_inputs, context) => {
      whenAborted(context, (reason) => reasons.push((reason as ProcedureError).code));
      return source.items(ITEM);
    },
  });
  for await (const each of client.echo([])) {
    assert.equal(each, ITEM);
    break;
  }
  await world.advance(0);
  assert.deepEqual([source.left, reasons, provided.underWay, calls.size], [1, ['cancelled'], 0, 0]);
});

test('[proc-stop-3] a handler’s stream that waits for something else is left at once, not at its next item', async (t) => {
  let left = 0;
  const never: AsyncIterableIterator<string> = {
    [Symbol.asyncIterator]: () => never,
    next: () => new Promise(() => {}),
    return: async () => {
      left++;
      return { value: undefined, done: true };
    },
  };
  const { client, world } = await nodesWith(t, { echo: () => never });
  const outputs = client.echo([])[Symbol.asyncIterator]();
  await world.advance(0);
  await outputs.return?.();
  await world.advance(0);
  assert.equal(left, 1);
});

test('[proc-stop-3] a handler that waits for credit is not asked for one item more', async (t) => {
  let pulled = 0;
  const { client, world, provided } = await nodesWith(t, {
    count: async function* () {
      pulled++;
      yield 'x'.repeat(WINDOW) as never;
      pulled++;
      await new Promise(() => {});
    },
  });
  const outputs = client.count(1)[Symbol.asyncIterator]();
  await world.advance(0);
  await outputs.return?.();
  await world.advance(0);
  assert.deepEqual([pulled, provided.underWay], [1, 0]);
});

test('[proc-flow-9] what a handler gave before it threw comes before its failure', async (t) => {
  const { client } = await nodesWith(t, {
    count: async function* () {
      yield 1;
      yield 2;
      throw new ProcedureError('not-found', 'no more', { details: [3] });
    },
  });
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const each of client.count(1)) seen.push(each);
    },
    { code: 'not-found', message: 'no more', details: [3] },
  );
  assert.deepEqual(seen, [1, 2]);
});

test('[proc-ans-6] an output that cannot travel ends the stream with internal, and the handler is left', async (t) => {
  let left = 0;
  const { client, events } = await nodesWith(t, {
    count: async function* () {
      try {
        yield 1;
        yield (() => {}) as never;
        yield 3;
      } finally {
        left++;
      }
    },
  });
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const each of client.count(1)) seen.push(each);
    },
    { code: 'internal', message: 'the handler failed' },
  );
  assert.deepEqual([seen, left, events.map(({ kind }) => kind)], [[1], 1, ['handler-failed']]);
});

test('[proc-msg-8] an output that does not fit its schema: the items before it, then internal, and the handler is aborted', async (t) => {
  const reasons: unknown[] = [];
  const { client, world, calls } = await nodesWith(t, {
    count: async function* (_to, context) {
      whenAborted(context, (reason) => reasons.push(reason));
      yield 1;
      yield 'text' as never;
      await new Promise(() => {});
    },
  });
  const outputs = client.count(1)[Symbol.asyncIterator]();
  assert.deepEqual(await outputs.next(), { value: 1, done: false });
  await assert.rejects(outputs.next(), {
    code: 'internal',
    message: 'the output does not fit its schema at its top level',
  });
  assert.deepEqual(await outputs.next(), { value: undefined, done: true });
  await world.advance(0);
  assert.deepEqual([reasons.length, calls.size], [1, 0]);
});

test('[proc-flow-9] [proc-stop-1] a caller whose stream of inputs throws ends the handler’s with what came and then cancelled', async (t) => {
  const seen: unknown[] = [];
  const { client, world } = await nodesWith(t, {
    sum: async (inputs) => {
      try {
        for await (const each of inputs) seen.push(each);
      } catch (error) {
        seen.push((error as ProcedureError).code);
      }
      return 0;
    },
  });
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error('a secret');
  }
  await assert.rejects(client.sum(failing()), { code: 'cancelled', message: 'the stream of inputs failed' });
  await world.advance(0);
  assert.deepEqual(seen, [1, 2, 'cancelled']);
});

test('[proc-stop-1] [proc-stop-2] an abort ends both directions at both sides', async (t) => {
  const source = new Source();
  const outputs = new Source();
  const ends: unknown[] = [];
  const { client, world, provided } = await nodesWith(t, {
    echo: (inputs, context) => {
      whenAborted(context, () => ends.push('signal'));
      void (async () => {
        for await (const _each of inputs) if (ends.length > 5) break;
      })().catch((error: ProcedureError) => ends.push(error.code));
      return outputs.items(ITEM);
    },
  });
  const controller = new AbortController();
  const stream = client.echo(source.items(ITEM), { signal: controller.signal })[Symbol.asyncIterator]();
  await stream.next();
  controller.abort(new Error('enough'));
  await assert.rejects(
    async () => {
      for (;;) await stream.next();
    },
    { code: 'cancelled', message: 'sums/v1/echo was given up' },
  );
  await world.advance(0);
  assert.deepEqual(ends, ['signal', 'cancelled']);
  assert.deepEqual([source.left, outputs.left, provided.underWay], [1, 1, 0]);
});

test('[proc-flow-2] [proc-flow-10] an answer before the end of the inputs ends the call, and leaves the caller’s stream', async (t) => {
  const source = new Source();
  const { client, world, calls, provided } = await nodesWith(t, {
    sum: async (inputs) => {
      for await (const each of inputs) return each;
      return -1;
    },
  });
  assert.equal(await client.sum(source.items(5)), 5);
  await world.advance(0);
  assert.deepEqual([source.left, calls.size, provided.underWay], [1, 0, 0]);
});

test('[proc-flow-2] an end of outputs ends a two-way call that still has inputs', async (t) => {
  const source = new Source();
  const { client, world, calls } = await nodesWith(t, {
    echo: async function* (inputs) {
      for await (const each of inputs) {
        yield each;
        return;
      }
    },
  });
  const seen: string[] = [];
  for await (const each of client.echo(source.items('a'))) seen.push(each);
  await world.advance(0);
  assert.deepEqual([seen, source.left, calls.size], [['a'], 1, 0]);
});

test('[proc-time-2] a stream whose time is over ends at both sides', async (t) => {
  const source = new Source();
  const codes: string[] = [];
  const { client, world, provided } = await nodesWith(t, {
    echo: (_inputs, context: CallContext) => {
      whenAborted(context, (reason) => codes.push((reason as ProcedureError).code));
      return source.items(ITEM);
    },
  });
  const outputs = client.echo([], { timeout: 300 })[Symbol.asyncIterator]();
  await world.advance(301);
  await assert.rejects(
    async () => {
      for (;;) await outputs.next();
    },
    { code: 'deadline-exceeded' },
  );
  assert.deepEqual([codes, source.left, provided.underWay], [['deadline-exceeded'], 1, 0]);
});

test('[proc-loss-4] [case-57] a service that goes away ends its streams with unavailable, and its callers’ calls', async (t) => {
  const source = new Source();
  const { client, world, provided } = await nodesWith(t, { echo: () => source.items(ITEM) });
  const outputs = client.echo([])[Symbol.asyncIterator]();
  const unary = assert.rejects(client.wait(null), { code: 'unavailable', message: 'the provider is going away' });
  await outputs.next();
  await world.advance(0);
  const drained = provided.drain();
  await assert.rejects(client.add({ a: 1, b: 2 }), { code: 'unavailable' });
  await assert.rejects(
    async () => {
      for (;;) await outputs.next();
    },
    { code: 'unavailable', message: 'the provider is going away' },
  );
  assert.equal(source.left, 1);
  assert.equal(provided.close(), 1);
  await unary;
  await drained;
});

test('[proc-flow-9] iterables of every kind can be sent, and promises in one are waited for', async (t) => {
  const { client } = await nodesWith(t, {});
  assert.equal(await client.sum([1, Promise.resolve(2) as never, 3]), 6);
  assert.equal(await client.sum(new Set([4, 5])), 9);
  const seen: string[] = [];
  for await (const each of client.echo('ab')) seen.push(each);
  assert.deepEqual(seen, ['A', 'B']);
  await assert.rejects(client.sum(5 as never), { name: 'ProcedureError' });
  await assert.rejects(client.sum([Promise.reject(new Error('no')) as never]), { code: 'cancelled' });
});

test('[proc-flow-9] an iterator that gives no object fails, as in a loop of the language, and one whose done is merely true-ish has ended', async (t) => {
  const { client } = await nodesWith(t, {});
  const giving = (step: unknown): AsyncIterable<number> => {
    const iterator = { next: () => Promise.resolve(step) } as AsyncIterator<number>;
    return { [Symbol.asyncIterator]: () => iterator };
  };
  for (const step of [undefined, null, 5])
    await assert.rejects(
      client.sum(giving(step)),
      ({ code, cause }) => code === 'cancelled' && cause instanceof TypeError,
    );
  assert.equal(await client.sum(giving({ done: 1 })), 0);
});

test('a stream has one reader', async (t) => {
  const { client } = await nodesWith(t, {
    count: async function* () {
      yield await new Promise<number>(() => {});
    },
  });
  const outputs = client.count(1)[Symbol.asyncIterator]();
  const first = outputs.next();
  await assert.rejects(outputs.next(), { code: 'failed-precondition' });
  await outputs.return?.();
  assert.deepEqual(await first, { value: undefined, done: true });
});

/** The port of a node whose messages have so many bytes at most. */
function limited(port: Port, maxBytes: number): Port {
  return Object.create(port, {
    send: {
      value: (message: PortMessage, waiter: SendWaiter) => {
        if (message.payload.length <= maxBytes) port.send(message, waiter);
        else
          waiter.failed(
            { kind: 'encode-failure', text: 'too long', delivery: 'not-sent', cause: undefined },
            message.to,
          );
      },
    },
  }) as Port;
}

test('[proc-ans-6] an output that is too large for a message is answered with internal, in an answer and in a stream', async (t) => {
  const world = await nodesWith(t, {});
  const provider = await world.world.domus('provider-2');
  const events: ProvisionEvent[] = [];
  const source = new Source();
  const provided = new ProvidedService({
    port: limited(provider.port, 1000),
    service: Sums,
    handlers: { ...sums().handlers, wait: () => 'x'.repeat(2000), echo: () => source.items('y'.repeat(2000)) } as never,
    refusal: () => undefined,
    concurrency: 10,
    maxWaiting: 0,
    windowBytes: WINDOW,
    watch: () => {},
    unwatch: () => {},
    report: (event) => events.push(event),
  });
  t.after(() => provided.close());
  const parts = { calls: world.calls, providers: oneProvider(provider), settings: DEFAULT_CALL_SETTINGS };
  const client = clientOf(Sums, parts, () => true);
  await assert.rejects(client.wait(null), { code: 'internal', message: 'the output of the handler cannot travel' });
  await assert.rejects(client.echo([])[Symbol.asyncIterator]().next(), {
    code: 'internal',
    message: 'an output of the handler cannot travel',
  });
  await world.world.advance(0);
  assert.deepEqual([events.map(({ kind }) => kind), source.left], [['handler-failed', 'handler-failed'], 1]);
});

test('[proc-loss-3] an input that is too large for a message fails its call with internal', async (t) => {
  const { caller, provider, world } = await nodesWith(t, {});
  const calls = new Calls(limited(caller.port, 1000));
  const parts = { calls, providers: oneProvider(provider), settings: DEFAULT_CALL_SETTINGS };
  const client = clientOf(Sums, parts, () => true);
  const text = 'x'.repeat(2000);
  await assert.rejects(client.note(text), { code: 'internal', message: /could not travel: encode-failure: / });
  await assert.rejects(client.echo([text])[Symbol.asyncIterator]().next(), { code: 'internal' });
  await assert.rejects(client.add({ a: 1, b: text as never }), { code: 'internal' });
  await world.advance(0);
  assert.equal(calls.size, 0);
  calls.close(new ProcedureError('unavailable', 'the test is over'));
});
