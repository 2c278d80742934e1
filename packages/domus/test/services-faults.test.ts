/**
 * What an application's own parts may do to an imperium: fail, hang, take too much room, or end while it leaves.
 *
 * Long on purpose: each way to fail is one short test, and all share the pair of nodes that bears it.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Domus, type DomusAddr, endpoint, json } from '../src/index.ts';
import {
  anyAuthenticatedPeer,
  bidiStream,
  type CallContext,
  type Client,
  type Discovery,
  type DiscoveryHost,
  Imperium,
  type JoinOptions,
  oneWay,
  type Picker,
  ProcedureError,
  type Provision,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '../src/services.ts';
import { inProcessClient, type MemoryImperium } from '../src/testing.ts';
import { eventsOf, gate, imperium, providerAndCaller } from './memory-bench.ts';

const options = { verifier: anyAuthenticatedPeer() };
const Echo = service('echo', 'v1', {
  say: unary<string, string>(),
  again: unary<string, string>({ idempotent: true }),
  note: oneWay<number>(),
  count: serverStream<string, number>(),
  both: bidiStream<string, number>(),
});

/** A provider and its caller, which knows it from a list. */
interface Pair {
  readonly world: MemoryImperium;
  /** Of the provider. */
  readonly domus: Domus;
  readonly provider: Imperium;
  readonly caller: Imperium;
}

async function pair(t: TestContext, join: JoinOptions = {}): Promise<Pair> {
  const world = imperium(t);
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  return { world, domus: a, ...(await providerAndCaller(t, world, [a, b], 'echo/v1', { join, isSeeded: true })) };
}

const handlers = {
  say: (text: string): string | Promise<string> => text,
  again: (text: string): string | Promise<string> => text,
  note: (_number: number): void | Promise<void> => {},
  count: (_text: string): AsyncIterable<number> => forever({ made: 0 }),
  both: (_texts: AsyncIterable<string>): AsyncIterable<number> => forever({ made: 0 }),
};

async function* forever(log: { made: number }): AsyncIterable<number> {
  for (;;) yield log.made++;
}

/** So many items, and then nothing. */
async function* pausedBehind(items: number): AsyncIterable<number> {
  for (let item = 0; item < items; item++) yield item;
  await new Promise<never>(() => {});
}

/** A program's stream that gives nothing, and can be left. */
function silent(): AsyncIterable<string> {
  const iterator: AsyncIterator<string> = { next: () => new Promise<never>(() => {}) };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** The code that a call fails with. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: ProcedureError) => error.code,
  );
}

// --- sources of peers ------------------------------------------------------------------------------------------------

const BOOM = new Error('boom');
const peerAt = (address: string) => ({
  address: address as DomusAddr,
  nodeId: undefined,
  nodeType: undefined,
  services: ['echo/v1'],
  health: 'unknown' as const,
  metadata: {},
});
const FAULTS: Readonly<Record<string, Partial<Discovery>>> = {
  'start rejects': { start: () => Promise.reject(BOOM) },
  'start never resolves': { start: () => new Promise(() => {}) },
  'stop rejects': { stop: () => Promise.reject(BOOM) },
  'stop never resolves': { stop: () => new Promise(() => {}) },
  'stop throws': {
    stop: () => {
      throw BOOM;
    },
  },
  'peers throws': {
    peers: () => {
      throw BOOM;
    },
  },
  'changes throws': {
    changes: () => {
      throw BOOM;
    },
  },
  'changes rejects': {
    // biome-ignore lint/correctness/useYield: it fails before it gives anything
    changes: async function* () {
      throw BOOM;
    },
  },
  'an address that is none': { peers: () => [peerAt('nonsense')] },
  'an address by name': { peers: () => [peerAt('tcp://localhost:7000')] },
};

for (const where of ['seeds', 'discovery'] as const) {
  for (const [fault, part] of Object.entries(FAULTS)) {
    test(`[case-58] ${where} of an application whose source fails (${fault}): joined, degraded, and left in time`, async (t) => {
      const world = imperium(t);
      const domus = await world.domus('a');
      const events = eventsOf(domus);
      const source = Object.assign(staticDiscovery(), part);
      const joined = await world.settle(Imperium.join(domus, { [where]: source }));
      await joined.provide(Echo, handlers, options);
      await world.advance(5_000);
      const client = joined.client(Echo);
      assert.equal(await world.settle(client.say('still there')), 'still there');
      const isDegraded = events.some(({ kind }) => kind === 'discovery-degraded');
      assert.equal(isDegraded, !fault.startsWith('stop'));
      assert.deepEqual(await world.settle(joined.leave({ drainTimeout: 0 })), { finished: 0, cut: 0 });
    });
  }
}

for (const where of ['seeds', 'discovery'] as const) {
  test(`[case-58] ${where} that start while the domus is shut down: not joined, and stopped`, async (t) => {
    const world = imperium(t);
    const domus = await world.domus('a');
    const held = gate();
    const source = staticDiscovery();
    const { start } = source;
    const slow = Object.assign(source, {
      start: (host: DiscoveryHost) => held.passed.then(() => start.call(source, host)),
    });
    const joining = assert.rejects(Imperium.join(domus, { [where]: slow }), { kind: 'domus-closed' });
    await world.advance(0);
    await world.settle(domus.shutdown({ drainTimeout: 0 }));
    held.open();
    await world.settle(joining);
    assert.deepEqual(await slow.changes()[Symbol.asyncIterator]().next(), { done: true, value: undefined });
  });
}

test('[case-45] a node that is its own provider, and ejected, goes on and is tried again', async (t) => {
  const { world, provider } = await pair(t);
  let isWell = false;
  const say = (text: string): string => {
    if (!isWell) throw BOOM;
    return text;
  };
  await provider.provide(Echo, { ...handlers, say }, options);
  const client = provider.client(Echo);
  for (let call = 0; call < 3; call++) assert.equal(await world.settle(codeOf(client.say('x'))), 'internal');
  isWell = true;
  await world.advance(60_000);
  assert.equal(await world.settle(client.say('well')), 'well');
});

const STREAMS_IN_TIME: readonly (readonly [
  what: string,
  gives: number,
  call: (client: Client<typeof Echo>) => AsyncIterable<number>,
  isFault: boolean,
])[] = [
  ['that has given items', 1, (client) => client.count('x', { timeout: 1_000 }), false],
  ['that nobody reads', 1e9, (client) => client.count('x', { timeout: 1_000 }), false],
  ['whose program gives no input', 0, (client) => client.both(silent(), { timeout: 1_000 }), false],
  ['that has all its inputs, and gives nothing', 0, (client) => client.both([], { timeout: 1_000 }), true],
  ['that gives nothing', 0, (client) => client.count('x', { timeout: 1_000 }), true],
];

for (const [what, gives, call, isFault] of STREAMS_IN_TIME) {
  test(`[case-45] a stream ${what} when its time is over ${isFault ? 'is' : 'is no'} failure of its provider`, async (t) => {
    const { world, provider, caller } = await pair(t);
    const paused = () => pausedBehind(gives);
    await provider.provide(Echo, { ...handlers, count: paused, both: paused }, options);
    const events = eventsOf(caller.domus);
    for (let n = 0; n < 4; n++) {
      const outputs = call(caller.client(Echo))[Symbol.asyncIterator]();
      await world.advance(1_500);
      await outputs.return?.();
    }
    assert.equal(events.filter(({ kind }) => kind === 'provider-ejected').length, isFault ? 1 : 0);
  });
}

test('[case-57] a provider that refuses a one-way call because its service goes away is not ejected', async (t) => {
  const { world, provider, caller } = await pair(t);
  const never = gate();
  t.after(() => never.open());
  const provision = await provider.provide(Echo, { ...handlers, say: () => never.passed.then(String) }, options);
  const events = eventsOf(caller.domus);
  const client = caller.client(Echo);
  const code = codeOf(client.say('x'));
  await world.advance(100);
  const closing = provision.close({ drainTimeout: 1_000 });
  assert.equal(await world.settle(codeOf(client.note(1))), 'unavailable');
  await world.advance(1_000);
  await closing;
  assert.equal(await code, 'unavailable');
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'provider-ejected'),
    [],
  );
});

test('[case-45] calls that are too large to travel eject no provider', async (t) => {
  const { world, provider, caller } = await pair(t);
  const events = eventsOf(caller.domus);
  await provider.provide(Echo, handlers, options);
  const client = caller.client(Echo);
  const large = 'x'.repeat(caller.domus.config.snapshot().maxPayloadLen);
  const read = async (): Promise<void> => {
    for await (const _item of client.both([large]));
  };
  for (let call = 0; call < 3; call++) {
    assert.equal(await world.settle(codeOf(client.say(large))), 'internal');
    assert.equal(await world.settle(codeOf(read())), 'internal');
  }
  assert.equal(await world.settle(client.say('small')), 'small');
  assert.ok(events.every(({ kind }) => kind !== 'provider-ejected'));
});

test('[case-45] outputs that the schema of the caller cannot judge eject no provider', async (t) => {
  const { world, provider, caller } = await pair(t);
  const events = eventsOf(caller.domus);
  const late = { '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) } } as const;
  const Late = service('echo', 'v1', {
    say: unary({ input: late, output: late }),
    count: serverStream({ input: late, output: late }),
  });
  await provider.provide(Echo, handlers, options);
  const client = caller.client(Late);
  const read = async (): Promise<void> => {
    for await (const _item of client.count(1));
  };
  for (let call = 0; call < 3; call++) {
    assert.equal(await world.settle(codeOf(client.say(1))), 'internal');
    assert.equal(await world.settle(codeOf(read())), 'internal');
  }
  assert.ok(events.every(({ kind }) => kind !== 'provider-ejected'));
});

// --- more tabernae than a record has room for ------------------------------------------------------------------------

for (const [count, chars] of [
  [300, 5],
  [200, 40],
  [1, 300],
] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`[topo-rec-4] ${count} tabernae with names of ${chars} characters, opened ${when} the node joins, all take messages`, async (t) => {
      const world = imperium(t);
      const [a, b] = [await world.domus('a'), await world.domus('b')];
      const events = eventsOf(a);
      const endpoints = Array.from({ length: count }, (_, i) => endpoint(`${i}`.padStart(chars, 'n'), json<number>()));
      const took: number[] = [];
      const serve = async (): Promise<void> => {
        for (const each of endpoints) await a.serve(each, (number) => void took.push(number));
      };
      if (when === 'before') await serve();
      const joined = await Imperium.join(a);
      if (when === 'after') await serve();
      for (const [number, each] of endpoints.entries()) await world.settle(b.send(each, number, { to: a.address }));
      assert.equal(took.length, count);
      const degraded = events.find((event) => event.kind === 'discovery-degraded');
      assert.match(degraded?.reason ?? '', /tabernae \(inboxes\) find no room/);
      const announced = joined.topology.node('a')!.tabernae.length;
      assert.ok(announced < count && (count === 1 || announced > 80), `${announced} announced`);
      assert.equal(events.filter(({ kind }) => kind === 'discovery-degraded').length, 1);
      // What a service needs has room in any case.
      await joined.provide(Echo, handlers, options);
      assert.deepEqual(joined.topology.node('a')!.services, ['echo/v1']);
      await world.settle(joined.leave({ drainTimeout: 0 }));
    });
  }
}

test('[topo-rec-4] tabernae give way to metadata, are told of, and come back', async (t) => {
  const world = imperium(t);
  const domus = await world.domus('a');
  const events = eventsOf(domus);
  const joined = await Imperium.join(domus);
  for (let i = 0; i < 200; i++) await domus.taberna(endpoint(`inbox-${i}`, json<number>()));
  const announced = (): number => joined.topology.node('a')!.tabernae.length;
  assert.equal(announced(), 200);
  joined.setMetadata(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key-${i}`, 'x'.repeat(180)])));
  assert.ok(announced() < 120, `${announced()}`);
  joined.setMetadata({});
  assert.equal(announced(), 200);
  await world.advance(0);
  assert.deepEqual(
    events.map(({ kind }) => kind).filter((kind) => kind.startsWith('discovery-')),
    ['discovery-degraded', 'discovery-restored'],
  );
  await world.settle(joined.leave({ drainTimeout: 0 }));
});

test('[case-57] a domus is used as before while its imperium leaves', async (t) => {
  const world = imperium(t);
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  const slow = Object.assign(staticDiscovery(), { stop: () => new Promise<void>(() => {}) });
  const joined = await Imperium.join(a, { discovery: slow });
  const inbox = await a.taberna(endpoint('one', json<number>()));
  const stopping = new AbortController();
  await a.taberna(endpoint('two', json<number>()), { signal: stopping.signal });
  const leaving = joined.leave({ drainTimeout: 0 });
  await world.advance(100);
  inbox.close();
  stopping.abort();
  const three = endpoint('three', json<number>());
  const took: number[] = [];
  await a.serve(three, (number) => void took.push(number));
  await world.settle(b.send(three, 3, { to: a.address }));
  assert.deepEqual(took, [3]);
  await world.settle(leaving);
});

// --- leaving ---------------------------------------------------------------------------------------------------------

test('[case-47] a call in the pause between two tries fails when its node leaves', async (t) => {
  const { world, provider, caller } = await pair(t);
  const again = (): string => {
    throw new ProcedureError('resource-exhausted', 'later');
  };
  await provider.provide(Echo, { ...handlers, again }, options);
  const code = codeOf(caller.client(Echo).again('x'));
  await world.advance(5);
  await world.settle(caller.leave({ drainTimeout: 0 }));
  assert.equal(await world.settle(code), 'unavailable');
});

test('[case-70] a call whose picker fails at its second try has ended, and makes no third', async (t) => {
  const { world, provider, caller } = await pair(t);
  let served = 0;
  const again = (): string => {
    served++;
    throw new ProcedureError('unavailable', 'not now');
  };
  await provider.provide(Echo, { ...handlers, again }, options);
  let picks = 0;
  const picker: Picker = {
    pick: (providers) => {
      if (++picks === 2) throw BOOM;
      return providers[0];
    },
  };
  assert.equal(await world.settle(codeOf(caller.client(Echo, { picker }).again('x'))), 'internal');
  await world.advance(5_000);
  assert.deepEqual([served, picks], [1, 2]);
});

test('[case-57] a service that is being withdrawn ends with its node: its calls, its taberna, its promise', async (t) => {
  const { world, domus, provider, caller } = await pair(t);
  const never = gate();
  t.after(() => never.open());
  const provision = await provider.provide(Echo, { ...handlers, say: () => never.passed.then(String) }, options);
  const code = codeOf(caller.client(Echo).say('x', { timeout: 300_000 }));
  await world.advance(100);
  const closing = provision.close({ drainTimeout: 200_000 });
  assert.deepEqual(await world.settle(provider.leave({ drainTimeout: 100 })), { finished: 0, cut: 1 });
  assert.equal(await world.settle(code), 'unavailable');
  assert.deepEqual(await closing, { finished: 0, cut: 1 });
  const again = await Imperium.join(domus);
  await again.provide(Echo, handlers, options);
  await world.settle(again.leave({ drainTimeout: 0 }));
});

test('[case-57] a service that was withdrawn counts no more when its node leaves', async (t) => {
  const { world, provider, caller } = await pair(t);
  const never = gate();
  t.after(() => never.open());
  const provision = await provider.provide(Echo, { ...handlers, say: () => never.passed.then(String) }, options);
  const code = codeOf(caller.client(Echo).say('x'));
  await world.advance(100);
  assert.deepEqual(await world.settle(provision.close({ drainTimeout: 0 })), { finished: 0, cut: 1 });
  assert.equal(await world.settle(code), 'unavailable');
  assert.deepEqual(await world.settle(provider.leave()), { finished: 0, cut: 0 });
});

test('[case-57] a handler that is under way while its node drains may still call on, as part of its call', async (t) => {
  const { world, provider, caller } = await pair(t);
  const Next = service('next', 'v1', { say: unary<string, string>() });
  await caller.provide(Next, { say: (text) => `${text}!` }, options);
  await world.advance(1_000);
  const held = gate();
  const next = provider.client(Next);
  const say = async (text: string, context: CallContext): Promise<string> => {
    await held.passed;
    assert.equal(await codeOf(next.say(text)), 'unavailable', 'a call of its own');
    return next.say(text, { parent: context });
  };
  await provider.provide(Echo, { ...handlers, say }, options);
  const call = caller.client(Echo).say('well');
  await world.advance(100);
  const leaving = provider.leave();
  held.open();
  assert.equal(await world.settle(call), 'well!');
  assert.deepEqual(await world.settle(leaving), { finished: 1, cut: 0 });
});

// --- handlers --------------------------------------------------------------------------------------------------------

for (const how of ['the caller leaves', 'the deadline comes'] as const) {
  test(`[proc-call-5] [case-72] one-way calls that were taken run, though ${how} while they wait`, async (t) => {
    const world = imperium(t);
    const [a, b] = [await world.domus('a'), await world.domus('b')];
    const provider = await Imperium.join(a);
    const list = staticDiscovery([{ address: a.address, services: ['echo/v1'] }]);
    const caller = await Imperium.join(b, { discovery: list });
    const ran: number[] = [];
    const held = gate();
    const note = async (number: number): Promise<void> => {
      ran.push(number);
      await held.passed;
    };
    await provider.provide(Echo, { ...handlers, note }, { ...options, concurrency: 1 });
    const client = caller.client(Echo);
    await world.settle(Promise.all([1, 2, 3].map((number) => client.note(number, { timeout: 200 }))));
    if (how === 'the caller leaves') {
      await world.settle(caller.leave({ drainTimeout: 0 }));
      await world.settle(b.shutdown({ drainTimeout: 0 }));
    } else await world.advance(500);
    held.open();
    await world.advance(100);
    assert.deepEqual(ran, [1, 2, 3]);
    assert.deepEqual(await world.settle(provider.leave()), { finished: 0, cut: 0 });
    await world.settle(caller.leave({ drainTimeout: 0 }));
  });
}

for (const kind of ['count', 'both'] as const) {
  test(`[case-57] [proc-ans-3] a handler of a stream (${kind}) may end its own service: nothing is sent behind that`, async (t) => {
    const { world, provider, caller } = await pair(t);
    const log = { made: 0 };
    const ends: unknown[] = [];
    const ending = { provision: undefined as Provision | undefined };
    const handler = (): AsyncIterable<number> => {
      void ending.provision!.close({ drainTimeout: 5_000 }).then((report) => ends.push(report));
      return forever(log);
    };
    ending.provision = await provider.provide(Echo, { ...handlers, [kind]: handler }, options);
    const client = caller.client(Echo);
    const items: number[] = [];
    const read = async (): Promise<void> => {
      for await (const item of kind === 'count' ? client.count('x') : client.both(['x'])) items.push(item);
    };
    assert.equal(await world.settle(codeOf(read())), 'unavailable');
    await world.advance(10);
    assert.deepEqual([items, log.made, ends], [[], 0, [{ finished: 1, cut: 0 }]]);
  });
}

test('[case-88] a handler of a stream that gives a promise: internal, reported, and its rejection ends nothing', async () => {
  const errors: unknown[] = [];
  const late = (async () => {
    throw BOOM;
  }) as never;
  const client = inProcessClient(
    Echo,
    { ...handlers, count: late, both: late },
    {
      caller: { nodeId: 'x' },
      report: (event) => void errors.push(event.kind === 'procedure-failed' ? event.error : event),
    },
  );
  const read = async (items: AsyncIterable<number>): Promise<void> => {
    for await (const _item of items);
  };
  assert.equal(await codeOf(read(client.count('x'))), 'internal');
  assert.equal(await codeOf(read(client.both(['x']))), 'internal');
  assert.deepEqual(
    errors.map((error) => (error === BOOM ? 'boom' : (error as Error).name)),
    ['TypeError', 'boom', 'TypeError', 'boom'],
  );
});

test('[case-88] an error whose parts a program has replaced travels as far as it can, and its place is free again', async () => {
  const broken = Object.assign(new ProcedureError('not-found', ''), { message: { text: 1 }, code: 7 });
  const say = async (): Promise<string> => {
    throw broken;
  };
  const client = inProcessClient(Echo, { ...handlers, say }, { caller: { nodeId: 'x' }, concurrency: 1 });
  assert.equal(await codeOf(client.say('x')), 'internal');
  assert.equal(await client.again('free'), 'free');
});
