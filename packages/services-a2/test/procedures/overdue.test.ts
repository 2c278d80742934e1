/** Messages of calls that a sleeping side does not take in their time: every call has an end, on both sides. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Domus } from '@flaminia/domus';
import type { MemoryImperium } from '@flaminia/domus/testing';
import type { Port, PortMessage, SendWaiter } from '../../src/port.ts';
import type { CallContext, Client, Handlers } from '../../src/procedures/call-types.ts';
import { Calls } from '../../src/procedures/calls.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, ITEMS } from '../../src/procedures/core/wire.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { ProvidedService } from '../../src/procedures/provided-service.ts';
import { codeOf, toTheEnd } from './outcomes.ts';
import { Sums, sums, whenAborted } from './sums.ts';
import { oneProvider, twoNodes } from './two-nodes.ts';

async function* endless(): AsyncIterable<number> {
  for (let i = 0; ; i++) yield i;
}

/** A message is overdue then, and the timer of the calls, which counts whole milliseconds, rings behind that. */
const LIMIT = { timeout: 100.5 };

async function* stuck(): AsyncIterable<number> {
  yield 1;
  await new Promise(() => {});
}

/** The port of a node whose peer does not take so many messages of a type in their time: they are lost. */
function unheard(port: Port, lost: Map<number, number>): Port {
  return Object.create(port, {
    send: {
      value: (message: PortMessage, waiter: SendWaiter) => {
        const left = lost.get(message.type) ?? 0;
        if (left === 0) {
          port.send(message, waiter);
          return;
        }
        lost.set(message.type, left - 1);
        port.clock.startTimer(message.deadline - port.now(), () => {
          waiter.failed(
            { kind: 'send-timeout', text: 'not taken in time', delivery: 'unknown', cause: undefined },
            message.to,
          );
        });
      },
    },
  }) as Port;
}

interface UnheardRig {
  readonly world: MemoryImperium;
  readonly caller: Domus;
  readonly client: Client<typeof Sums>;
  readonly calls: Calls;
  readonly provided: ProvidedService;
}

/** A caller and a provider of whose messages some are not heard. */
async function unheardRig(
  t: TestContext,
  own: Partial<Handlers<typeof Sums>>,
  lost: { readonly byProvider?: Map<number, number>; readonly byCaller?: Map<number, number> },
): Promise<UnheardRig> {
  const nodes = await twoNodes(t, Sums, sums().handlers);
  const provider = await nodes.world.domus('provider-2');
  const watching = new Calls(provider.port);
  const provided = new ProvidedService({
    port: unheard(provider.port, lost.byProvider ?? new Map()),
    service: Sums,
    handlers: { ...sums().handlers, ...own } as never,
    refusal: () => undefined,
    concurrency: 10,
    maxWaiting: 0,
    windowBytes: 65_536,
    watch: (timed) => watching.watch(timed),
    unwatch: (timed) => watching.unwatch(timed),
    report: () => {},
  });
  const calls = new Calls(unheard(nodes.caller.port, lost.byCaller ?? new Map()));
  t.after(() => {
    for (const each of [calls, watching]) each.close(new ProcedureError('unavailable', 'the test is over'));
    provided.close();
  });
  const settings = { ...DEFAULT_CALL_SETTINGS, windowBytes: 65_536, callTimeoutMs: Number.POSITIVE_INFINITY };
  const client = clientOf(Sums, { calls, providers: oneProvider(provider), settings }, () => true);
  return { world: nodes.world, caller: nodes.caller, client, calls, provided };
}

for (const [what, type] of [
  ['an answer', ANSWER],
  ['items', ITEMS],
  ['an end', END],
  ['credit', CREDIT],
] as const) {
  test(`[proc-loss-5] ${what} that a sleeping caller does not take in time: the call fails with unavailable once it wakes`, async (t) => {
    const lost = [
      [type, 1],
      [FAILURE, 2],
    ] as const;
    const count = async function* (_to: number, context: CallContext): AsyncIterable<number> {
      yield 1;
      await new Promise((resolve) => whenAborted(context, resolve));
    };
    const own = type === ITEMS ? { count } : {};
    const { world, client, calls, provided } = await unheardRig(t, own, { byProvider: new Map(lost) });
    const call =
      type === ANSWER
        ? client.add({ a: 1, b: 2 })
        : type === CREDIT
          ? client.sum(endless())
          : toTheEnd(client.count(3));
    const code = codeOf(call);
    await world.advance(89_000);
    assert.equal(code(), undefined);
    await world.advance(2_000);
    assert.equal(code(), 'unavailable');
    await world.advance(100_000);
    assert.deepEqual([calls.size, provided.underWay], [0, 0]);
  });
}

test('[proc-loss-5] a failure is not sent again to a caller whose session has ended', async (t) => {
  const own = { wait: () => Promise.reject(new ProcedureError('not-found', 'no')) };
  const lost = new Map([[FAILURE, 100]]);
  const { world, client, caller } = await unheardRig(t, own, { byProvider: lost });
  const code = codeOf(client.wait(null));
  await world.advance(31_000);
  assert.deepEqual([code(), lost.get(FAILURE)], [undefined, 98]);
  const down = caller.shutdown({ drainTimeout: 0 });
  await world.advance(200_000);
  await down;
  assert.equal(lost.get(FAILURE), 98);
});

for (const [what, type] of [
  ['items', ITEMS],
  ['an end', END],
  ['credit', CREDIT],
] as const) {
  test(`[proc-loss-5] ${what} that a sleeping provider does not take in time: the call fails, and its handler ends once it wakes`, async (t) => {
    const ended: string[] = [];
    const own: Partial<Handlers<typeof Sums>> = {
      sum: (_inputs, context) => new Promise((resolve) => whenAborted(context, () => resolve(ended.push('sum')))),
      count: async function* (_to, context) {
        try {
          for (let i = 0; ; i++)
            yield await (i < 60_000 ? i : new Promise<number>((r) => whenAborted(context, () => r(0))));
        } finally {
          ended.push('count');
        }
      },
    };
    const lost = [
      [type, 1],
      [CANCEL, 2],
    ] as const;
    const { world, client, calls, provided } = await unheardRig(t, own, { byCaller: new Map(lost) });
    const code = codeOf(type === CREDIT ? toTheEnd(client.count(1)) : client.sum(type === ITEMS ? stuck() : [1, 2, 3]));
    await world.advance(31_000);
    assert.deepEqual([code(), ended], ['unavailable', []]);
    await world.advance(61_000);
    assert.deepEqual([ended, calls.size, provided.underWay], [[type === CREDIT ? 'count' : 'sum'], 0, 0]);
  });
}

for (const [what, type, make] of [
  ['a call', CALL, (client) => client.add({ a: 1, b: 2 }, LIMIT)],
  ['a one-way call', CALL, (client) => client.note('x', LIMIT)],
  ['a stream of outputs', CALL, (client) => toTheEnd(client.count(3, LIMIT))],
  ['an input', ITEMS, (client) => client.sum(stuck(), LIMIT)],
] as const satisfies readonly [string, number, (client: Client<typeof Sums>) => Promise<unknown>][]) {
  test(`[proc-time-2] ${what} that was not taken when the time of its call is over: deadline-exceeded, and no cancel`, async (t) => {
    const lost = new Map([
      [type, 1],
      [CANCEL, 1],
    ]);
    const { world, client, calls } = await unheardRig(t, {}, { byCaller: lost });
    const failure = make(client).then(
      () => assert.fail('answered'),
      (error: ProcedureError) => error,
    );
    await world.advance(200);
    const { code, cause } = await failure;
    assert.deepEqual([code, (cause as ProcedureError).code], ['deadline-exceeded', 'unavailable']);
    assert.deepEqual([lost.get(type), lost.get(CANCEL), calls.size], [0, 1, 0]);
  });
}
