/** More answers at once than the inbox of a caller has room for: each call has its end all the same. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  anyAuthenticatedPeer,
  type CallContext,
  type Client,
  clientStream,
  type Imperium,
  ProcedureError,
  type Provision,
  serverStream,
  service,
  unary,
} from '../src/services.ts';
import type { MemoryImperium } from '../src/testing.ts';
import { gate, imperium, providerAndCaller } from './memory-bench.ts';

const CALLS = 300;
const Crowd = service('crowd', 'v1', {
  answer: unary<null, string>(),
  fail: unary<null, string>(),
  count: serverStream<null, number>(),
  long: serverStream<null, string>(),
  watch: serverStream<null, number>(),
  sum: clientStream<number, number>(),
});

interface Crowded {
  readonly world: MemoryImperium;
  readonly provider: Imperium;
  readonly provision: Provision;
  readonly caller: Imperium;
  readonly client: Client<typeof Crowd>;
  /** Lets all handlers go on at once. */
  go(): void;
  /** How many handlers of `watch` have begun, and how many of these were told that nobody waits any more. */
  readonly watches: { begun: number; ended: number };
}

interface Rooms {
  readonly ofProvider: number;
  readonly ofCaller: number;
}

/** Two that may have many messages on their way; the inboxes of one, as a rule the caller, take few at a time. */
async function crowded(
  t: TestContext,
  { ofProvider, ofCaller }: Rooms = { ofProvider: 4096, ofCaller: 16 },
): Promise<Crowded> {
  const world = imperium(t);
  const a = await world.domus('a', { config: { sendQueueSize: 4096, tabernaAcceptQueueSize: ofProvider } });
  const b = await world.domus('b', { config: { sendQueueSize: 4096, tabernaAcceptQueueSize: ofCaller } });
  const { provider, caller } = await providerAndCaller(t, world, [a, b], 'crowd/v1');
  const held = gate();
  const watches = { begun: 0, ended: 0 };
  const handlers = {
    answer: async () => {
      await held.passed;
      return 'answered';
    },
    fail: async () => {
      await held.passed;
      throw new ProcedureError('not-found', 'no');
    },
    count: async function* () {
      await held.passed;
      yield 1;
      await new Promise(() => {});
    },
    long: async function* () {
      await held.passed;
      for (let i = 0; i < 20; i++) yield 'x'.repeat(200);
    },
    watch: async function* (_input: null, { signal }: CallContext) {
      watches.begun++;
      signal.addEventListener('abort', () => watches.ended++);
      yield await new Promise<number>(() => {});
    },
    sum: async (numbers: AsyncIterable<number>) => {
      await held.passed;
      let sum = 0;
      for await (const number of numbers) sum += number;
      return sum;
    },
  };
  const provision = await provider.provide(Crowd, handlers, { verifier: anyAuthenticatedPeer(), concurrency: 1000 });
  const client = caller.client(Crowd, { callTimeout: 600_000 });
  return { world, provider, provision, caller, client, go: () => held.open(), watches };
}

/** How many calls ended how, once the handlers have gone on and ten seconds have passed. */
async function ends({ world, go }: Crowded, call: () => Promise<unknown>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const note = (how: string): void => {
    counts[how] = (counts[how] ?? 0) + 1;
  };
  for (let i = 0; i < CALLS; i++) {
    void call().then(
      () => note('answered'),
      (error: ProcedureError) => note(error.code),
    );
  }
  await world.advance(1_000);
  go();
  await world.advance(10_000);
  return counts;
}

test('[proc-loss-6] answers and failures that find no room are sent again', async (t) => {
  const answers = await crowded(t);
  assert.deepEqual(await ends(answers, () => answers.client.answer(null)), { answered: CALLS });
  const failures = await crowded(t);
  assert.deepEqual(await ends(failures, () => failures.client.fail(null)), { 'not-found': CALLS });
});

test('[proc-loss-6] streams whose items or credit find no room fail with unavailable', async (t) => {
  const items = await crowded(t);
  const first = async (): Promise<void> => {
    for await (const _item of items.client.count(null)) break;
  };
  const itemEnds = await ends(items, first);
  assert.ok(itemEnds.unavailable! > 0, JSON.stringify(itemEnds));
  assert.equal(itemEnds.unavailable! + itemEnds.answered!, CALLS);
  const credit = await crowded(t);
  const creditEnds = await ends(credit, () => credit.client.sum([1, 2]));
  assert.equal(
    Object.values(creditEnds).reduce((a, b) => a + b),
    CALLS,
    JSON.stringify(creditEnds),
  );
});

/** Reads a stream that brings nothing, to its end. */
function watching({ client }: Crowded, signal?: AbortSignal): void {
  const read = async (): Promise<void> => {
    for await (const _item of client.watch(null, signal === undefined ? {} : { signal }));
  };
  read().catch(() => {});
}

test('[proc-loss-6] cancels that find no room are sent again, also for calls that nobody has acknowledged yet', async (t) => {
  const bench = await crowded(t, { ofProvider: CALLS + 50, ofCaller: 4096 });
  const controller = new AbortController();
  await bench.world.advance(1_000);
  for (let i = 0; i < CALLS; i++) watching(bench, controller.signal);
  controller.abort();
  await bench.world.advance(10_000);
  assert.deepEqual(bench.watches, { begun: CALLS, ended: CALLS });
});

test('[proc-loss-6] cancels of a caller that leaves and find no room are sent again', async (t) => {
  const bench = await crowded(t, { ofProvider: 50, ofCaller: 4096 });
  const { world, caller, watches } = bench;
  for (let i = 1; i <= CALLS; i++) {
    watching(bench);
    if (i % 50 === 0) await world.advance(1_000);
  }
  await world.settle(caller.leave({ drainTimeout: 0 }));
  await world.advance(10_000);
  assert.deepEqual(watches, { begun: CALLS, ended: CALLS });
});

test('[proc-loss-6] a stream whose inputs find no room at its provider ends with resource-exhausted', async (t) => {
  const bench = await crowded(t, { ofProvider: CALLS + 10, ofCaller: 4096 });
  const inputs = await ends(bench, () => bench.client.sum([1, 2]));
  assert.ok(inputs['resource-exhausted']! > 0, JSON.stringify(inputs));
  assert.equal(inputs['resource-exhausted']! + (inputs.answered ?? 0), CALLS, JSON.stringify(inputs));
});

test('[proc-loss-6] so does one whose credit finds none there, and nobody takes the provider for one that cannot be reached', async (t) => {
  const bench = await crowded(t, { ofProvider: CALLS, ofCaller: 4096 });
  const { world, provider, caller } = bench;
  const client = caller.client(Crowd, { windowBytes: 1024 });
  const texts = async (): Promise<void> => {
    for await (const _text of client.long(null));
  };
  const go = (): void => {
    provider.domus.config.update({ tabernaAcceptQueueSize: 16 });
    bench.go();
  };
  const outputs = await ends({ ...bench, go }, texts);
  assert.ok(outputs['resource-exhausted']! > 0, JSON.stringify(outputs));
  assert.equal(outputs['resource-exhausted']! + (outputs.answered ?? 0), CALLS, JSON.stringify(outputs));
  assert.equal(await world.settle(bench.client.answer(null)), 'answered');
});

test('[proc-loss-6] a provider that leaves waits for answers that are sent again', async (t) => {
  const bench = await crowded(t);
  const { provider, go } = bench;
  const left = (): void => {
    void provider.leave().then(() => provider.domus.shutdown());
    go();
  };
  assert.deepEqual(await ends({ ...bench, go: left }, () => bench.client.answer(null)), { answered: CALLS });
});

test('[proc-loss-5] what a provider that has closed tells again ends with the session of the caller', async (t) => {
  const bench = await crowded(t);
  const { world, provider, caller, provision } = bench;
  for (let i = 0; i < CALLS; i++) watching(bench);
  await world.advance(1_000);
  await world.settle(provision.close({ drainTimeout: 0 }));
  await world.settle(caller.domus.shutdown({ drainTimeout: 0 }));
  const { attempts } = provider.domus.reporting.snapshot().dials;
  await world.advance(60_000);
  assert.equal(provider.domus.reporting.snapshot().dials.attempts, attempts);
});
