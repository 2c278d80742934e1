/** What an imperium itself does with its parts: broadcasts, and joins that fail. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bytes, endpoint } from '@flaminia/domus';
import {
  anyAuthenticatedPeer,
  bidiStream,
  type DiscoveredPeer,
  type Discovery,
  type DiscoveryChange,
  Imperium,
  type JoinOptions,
  oneWay,
  ProcedureError,
  service,
  staticDiscovery,
  unary,
} from '@flaminia/domus/services';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { watchedEnd } from '@flaminia/testkit/internal';
import type { ImperiumHost } from '../src/imperium.ts';
import type { Port } from '../src/port.ts';

const Stock = service('stock', 'v1', {
  take: unary<{ readonly item: string }, number>(),
  forget: oneWay<{ readonly item: string }>(),
  watch: bidiStream<string, number>(),
});

interface Rig {
  readonly world: MemoryImperium;
  join(nodeId: string, options?: JoinOptions): Promise<Imperium>;
  /** One that provides the service, and counts. */
  provider(nodeId: string): Promise<Imperium>;
}

function rig(t: TestContext): Rig {
  const world = memoryImperium();
  const end = watchedEnd(world);
  const members: Imperium[] = [];
  t.after(async () => {
    await world.settle(Promise.all(members.map((each) => each.leave({ drainTimeout: 0 }))));
    await end();
  });
  const join = async (nodeId: string, options?: JoinOptions): Promise<Imperium> => {
    const imperium = await Imperium.join(await world.domus(nodeId), options);
    members.push(imperium);
    return imperium;
  };
  const provider = async (nodeId: string): Promise<Imperium> => {
    const imperium = await join(nodeId);
    let taken = 0;
    const handlers = { take: () => ++taken, forget: () => {}, watch: async function* () {} };
    await imperium.provide(Stock, handlers, { verifier: anyAuthenticatedPeer() });
    return imperium;
  };
  return { world, join, provider };
}

test('[case-73] providers with one node id have an outcome each in a broadcast, by their addresses', async (t) => {
  const { world, join, provider } = rig(t);
  const [one, twin, other, unnamed] = [
    await provider('a'),
    await provider('b'),
    await provider('c'),
    await provider('d'),
  ];
  const services = ['stock/v1'];
  const discovery = staticDiscovery([
    { address: one.address, nodeId: 'twin', services },
    { address: twin.address, nodeId: 'twin', services },
    { address: other.address, nodeId: 'other', services },
    { address: unnamed.address, services },
  ]);
  const gateway = await join('gateway', { discovery });
  const outcomes = await world.settle(gateway.broadcast(Stock.take, { item: 'x' }));
  const taken = { status: 'fulfilled', value: 1 };
  assert.deepEqual(
    [...outcomes],
    [one.address, twin.address, 'other', unnamed.address].map((key) => [key, taken]),
  );
});

test('[case-73] options that a call cannot have are a ProcedureError for each provider of a broadcast', async (t) => {
  const { world, join, provider } = rig(t);
  const { address } = await provider('a');
  const gateway = await join('gateway', { discovery: staticDiscovery([{ address, services: ['stock/v1'] }]) });
  const outcomes = await world.settle(gateway.broadcast(Stock.take, { item: 'x' }, { timeout: -1 }));
  const outcome = outcomes.get(address);
  assert.ok(outcome?.status === 'rejected' && ProcedureError.is(outcome.reason));
  assert.deepEqual([outcome.reason.code, outcomes.size], ['invalid-argument', 1]);
});

/** Never called: it is compiled. */
export async function compiled(imperium: Imperium): Promise<void> {
  const outcomes = await imperium.broadcast(Stock.take, { item: 'x' });
  const counts: (number | undefined)[] = [...outcomes.values()].map((each) =>
    each.status === 'fulfilled' ? each.value : undefined,
  );
  const more: { readonly item: 'x'; readonly count: number } = { item: 'x', count: counts.length };
  await imperium.broadcast(Stock.forget, more);
  // @ts-expect-error: nothing is known of the input
  await imperium.broadcast(Stock.take, undefined as unknown);
  // @ts-expect-error: the item is not always a text
  await imperium.broadcast(Stock.take, { item: 5 as string | number });
  // @ts-expect-error: the item is missing
  await imperium.broadcast(Stock.forget, {});
  // @ts-expect-error: an input of another type
  await imperium.broadcast(Stock.take, 5);
  // @ts-expect-error: streams are no broadcasts
  await imperium.broadcast(Stock.watch, 'x');
}

test('[case-48] inputs of a broadcast have the type of its procedure', () => {
  assert.equal(typeof compiled, 'function');
});

test('[case-59] a join that fails leaves nothing at its domus, which can join afterwards', async (t) => {
  const { world } = rig(t);
  const domus = await world.domus('node');
  const parts = domus.imperiumHost();
  const open = new Set<unknown>();
  const counted = (end: () => void): (() => void) => {
    open.add(end);
    return () => {
      open.delete(end);
      end();
    };
  };
  const { port } = parts;
  const register: Port['register'] = (key, receive) => {
    const taberna = port.register(key, receive);
    return { close: counted(() => taberna.close()) };
  };
  const onPeer: Port['onPeer'] = (listener) => counted(port.onPeer(listener));
  const host: ImperiumHost = {
    ...parts,
    port: Object.create(port, { register: { value: register }, onPeer: { value: onPeer } }) as Port,
    onSigner: (listener) => counted(parts.onSigner(listener)),
    onTabernae: (listener) => counted(parts.onTabernae(listener)),
    useResolver: (resolver) => counted(parts.useResolver(resolver)),
    onEnd: (listener) => counted(parts.onEnd(listener)),
  };
  t.mock.method(domus, 'imperiumHost', () => host);
  const twice = staticDiscovery([]);
  await assert.rejects(Imperium.join(domus, { discovery: [twice, twice] }), { kind: 'invalid-config' });
  await assert.rejects(Imperium.join(domus, { metadata: { zone: 1 as never } }), { kind: 'invalid-config' });
  await assert.rejects(Imperium.join(domus, { seeds: ['nowhere' as never] }), { name: 'DomusError' });
  assert.equal(open.size, 0);
  const imperium = await Imperium.join(domus, { discovery: twice });
  assert.ok(open.size > 0);
  await world.settle(imperium.leave({ drainTimeout: 0 }));
  assert.equal(open.size, 0);
});

// --- many of them ------------------------------------------------------------------------------------------------------

test('[topo-rec-4] tabernae that open or close in one turn are announced once, and shown to whoever looks sooner', async (t) => {
  const { world } = rig(t);
  const domus = await world.domus('a');
  const imperium = await Imperium.join(domus);
  const shown = (): number => imperium.topology.node('a')!.tabernae.length;
  const before = imperium.topology.version;
  const servings = [];
  for (let i = 0; i < 1_000; i++) servings.push(await domus.serve(endpoint(`inbox-${i}`, bytes()), () => {}));
  await world.advance(0);
  assert.equal(imperium.topology.version - before, 1);
  assert.ok(shown() > 80);
  for (const serving of servings) await serving.close();
  await world.advance(0);
  assert.equal(imperium.topology.version - before, 2);
  assert.equal(shown(), 0);
  await domus.serve(endpoint('another', bytes()), () => {});
  assert.equal(shown(), 1);
  // In the same turn, behind somebody who has looked.
  await domus.serve(endpoint('one more', bytes()), () => {});
  await world.advance(0);
  assert.equal(shown(), 2);
  await world.settle(imperium.leave({ drainTimeout: 0 }));
});

test('[case-61] a thousand peers that are found or lost in one turn are looked through a few times, not once for each', async (t) => {
  const { world, join } = rig(t);
  const source = new ListSource();
  const imperium = await join('a', { discovery: source });
  imperium.client(Stock);
  await world.advance(0);
  const peers = Array.from({ length: 1_000 }, (_, i) => ({
    ...{ nodeId: undefined, nodeType: undefined, services: ['stock/v1'], health: 'healthy' as const, metadata: {} },
    address: `tcp://127.0.0.1:${20_000 + i}` as const,
  }));
  for (const [list, kind] of [
    [peers, 'found'],
    [[], 'gone'],
  ] as const) {
    source.asked = 0;
    source.become(list, kind);
    await world.advance(0);
    assert.ok(source.asked < 10, `${kind}: asked ${source.asked} times`);
    const wait = imperium.ready(Stock, { minProviders: 1_000, timeout: 1 });
    const found = world.settle(
      wait.then(
        () => 1_000,
        ({ details }) => details.found,
      ),
    );
    assert.equal(await found, list.length);
  }
});

test('one signal for thousands that wait has one listener', async (t) => {
  const { world, join } = rig(t);
  const imperium = await join('a');
  const far = await join('b');
  const stop = new AbortController();
  let listeners = 0;
  const add = stop.signal.addEventListener;
  stop.signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners++;
    add.apply(stop.signal, given);
  };
  const { signal } = stop;
  const waits = Array.from({ length: 1_000 }, () => [
    imperium.ready(Stock, { signal }),
    imperium.topology.ping(far.address, { signal }),
    imperium.topology.changes({ signal }).next(),
  ]).flat();
  stop.abort();
  const outcomes = await world.settle(Promise.allSettled(waits));
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2_000);
  assert.equal(listeners, 1);
});

/** A source that tells of each peer by itself, and counts how often its list is read. */
class ListSource implements Discovery {
  readonly serviceType = 'list';
  asked = 0;
  private list: readonly DiscoveredPeer[] = [];
  private readonly untold: DiscoveryChange[] = [];
  private wake = (): void => {};

  get peerCount(): number {
    return this.list.length;
  }

  peers(): readonly DiscoveredPeer[] {
    this.asked++;
    return this.list;
  }

  async start(): Promise<void> {}

  announce(): void {}

  async stop(): Promise<void> {}

  become(list: readonly DiscoveredPeer[], kind: 'found' | 'gone'): void {
    for (const peer of kind === 'found' ? list : this.list) this.untold.push({ kind, peer });
    this.list = list;
    this.wake();
  }

  async *changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<DiscoveryChange> {
    signal?.addEventListener('abort', () => this.wake());
    while (signal?.aborted !== true) {
      yield* this.untold.splice(0);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
