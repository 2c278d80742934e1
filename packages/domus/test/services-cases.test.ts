/** Cases of the services that no single part proves: the whole of them together, in memory and on a clock of the test. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { watchedEnd } from '@flaminia/testkit/internal';
import { cbor, type DomusAddr, endpoint } from '../src/index.ts';
import {
  anyAuthenticatedPeer,
  bidiStream,
  clientStream,
  Imperium,
  type JoinOptions,
  type ProcedureError,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '../src/services.ts';
import { type MemoryImperium, memoryImperium } from '../src/testing.ts';
import { gate } from './memory-bench.ts';

const Hello = service('hello', 'v1', {
  greet: unary<string, string>({ idempotent: true }),
  visit: unary<string, string>(),
  count: serverStream<number, number>(),
  sum: clientStream<number, number>(),
  echo: bidiStream<number, number>(),
});
const options = { verifier: anyAuthenticatedPeer() };
const handlers = {
  greet: (name: string): string | Promise<string> => `hi ${name}`,
  visit: (name: string): string | Promise<string> => `in, ${name}`,
  count: async function* (to: number): AsyncIterable<number> {
    for (let i = 1; i <= to; i++) yield i;
  },
  sum: async (numbers: AsyncIterable<number>): Promise<number> => {
    let sum = 0;
    for await (const number of numbers) sum += number;
    return sum;
  },
  echo: (numbers: AsyncIterable<number>): AsyncIterable<number> => numbers,
};

/** An imperium in memory whose members leave it with the test; nothing of them may be left. */
class Rig {
  readonly world: MemoryImperium = memoryImperium();
  private readonly members: Imperium[] = [];

  constructor(t: TestContext) {
    const end = watchedEnd(this.world);
    t.after(async () => {
      await this.world.settle(Promise.all(this.members.map((each) => each.leave({ drainTimeout: 0 }))));
      await end();
    });
  }

  async join(nodeId: string, join?: JoinOptions): Promise<Imperium> {
    const imperium = await Imperium.join(await this.world.domus(nodeId), join);
    this.members.push(imperium);
    return imperium;
  }
}

const listed = (address: DomusAddr) => ({ address, services: ['hello/v1'] });
const dialsOf = (imperium: Imperium): number => imperium.domus.reporting.snapshot().dials.attempts;

test('[case-20] a client of a provider that is down dials nobody; once that is up, a call succeeds', async (t) => {
  const rig = new Rig(t);
  // The address that the second domus of this world will have.
  const gateway = await rig.join('gateway', { discovery: staticDiscovery([listed('tcp://127.0.0.1:2')]) });
  const client = gateway.client(Hello);
  await gateway.ready(Hello);
  await rig.world.advance(30_000);
  assert.equal(dialsOf(gateway), 0);
  const provider = await rig.join('provider');
  assert.equal(provider.address, 'tcp://127.0.0.1:2');
  await provider.provide(Hello, handlers, options);
  assert.equal(await rig.world.settle(client.greet('you')), 'hi you');
  assert.equal(dialsOf(gateway), 1);
});

test('[case-22] a name that is taken, and questions about nodes that nobody knows, are typed errors', async (t) => {
  const rig = new Rig(t);
  const node = await rig.join('node');
  const Orders = endpoint('orders', cbor<number>());
  await node.domus.serve(Orders, () => {});
  await assert.rejects(
    node.domus.serve(Orders, () => {}),
    { kind: 'taberna-already-registered' },
  );
  const provision = await node.provide(Hello, handlers, options);
  await assert.rejects(node.provide(Hello, handlers, options), { kind: 'taberna-already-registered' });
  await node.provide(service('hello', 'v2', { greet: Hello.greet.definition }), { greet: () => 'other' }, options);
  assert.equal(await node.client(Hello).greet('me'), 'hi me', 'the first one goes on');
  const unknown = { kind: 'peer-unavailable', detail: 'unknown-node' };
  const { topology } = node;
  const asks = [
    () => topology.nodeInfo('nobody'),
    () => topology.health('nobody'),
    () => topology.ping('nobody'),
    () => topology.sync('nobody'),
  ];
  for (const ask of asks) await assert.rejects(async () => void (await ask()), unknown);
  assert.equal(topology.node('nobody'), undefined);
  await provision.close({ drainTimeout: 0 });
  await node.provide(Hello, handlers, options);
});

test('metadata can change: pickers and other nodes see it, and what does not fit changes nothing', async (t) => {
  const rig = new Rig(t);
  const provider = await rig.join('provider', { metadata: { zone: 'eu' } });
  await provider.provide(Hello, handlers, options);
  const gateway = await rig.join('gateway', { seeds: [provider.address] });
  const picked: unknown[] = [];
  const client = gateway.client(Hello, {
    picker: {
      pick: ([first]) => {
        picked.push(first?.metadata);
        return first;
      },
    },
  });
  await rig.world.advance(5_000);
  await rig.world.settle(client.greet('you'));
  provider.setMetadata({ zone: 'us', weight: '2' });
  assert.throws(() => provider.setMetadata({ zone: 1 } as never), { kind: 'invalid-config' });
  await rig.world.advance(5_000);
  await rig.world.settle(client.greet('you'));
  assert.deepEqual(picked, [{ zone: 'eu' }, { zone: 'us', weight: '2' }]);
  assert.deepEqual(gateway.topology.node('provider')?.metadata, { zone: 'us', weight: '2' });
});

test('[case-63] a provider that cannot be reached is the same error to a call, to each kind of stream, and to a broadcast', async (t) => {
  const rig = new Rig(t);
  const nobody: DomusAddr = 'tcp://127.0.0.1:9';
  const failures: ProcedureError[] = [];
  const kinds: ((client: ReturnType<typeof clientOf>) => Promise<unknown>)[] = [
    (client) => client.greet('x'),
    (client) => toTheEnd(client.count(3)),
    (client) => client.sum([1, 2]),
    (client) => toTheEnd(client.echo([1, 2])),
  ];
  const clientOf = (imperium: Imperium) => imperium.client(Hello);
  for (const [index, use] of kinds.entries()) {
    // One that has not failed yet for each: afterwards the provider is ejected.
    const gateway = await rig.join(`gateway-${index}`, { discovery: staticDiscovery([listed(nobody)]) });
    await rig.world.settle(use(clientOf(gateway)).catch((error: ProcedureError) => failures.push(error)));
  }
  const gateway = await rig.join('gateway', { discovery: staticDiscovery([listed(nobody)]) });
  const outcome = (await rig.world.settle(gateway.broadcast(Hello.greet, 'x'))).get(nobody);
  assert.equal(outcome?.status, 'rejected');
  failures.push(outcome.reason as ProcedureError);
  assert.equal(failures.length, 5);
  for (const { name, code, message, cause } of failures) {
    assert.deepEqual([name, code], ['ProcedureError', 'unavailable']);
    assert.equal(message, failures[0]!.message);
    assert.equal((cause as { kind?: string }).kind, (failures[0]!.cause as { kind?: string }).kind);
  }
  assert.equal(gateway.domus.reporting.snapshot().peers.current, 0);
});

/** The code that ZAP makes of a name: FNV-1a of 32 bits, as one of 254 values. */
function zapCode(name: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  return 1 + (hash % 254);
}

test('[case-79] names that share a code of 8 bits are two procedures, in one service and in two', async (t) => {
  const rig = new Rig(t);
  assert.deepEqual(['ListSecurity', 'Ping', 'a'].map(zapCode), [0x20, 0x70, 0xdd], 'as ZAP numbers them');
  const byCode = new Map<number, string[]>();
  for (let i = 0; i < 600; i++) {
    const name = `ask${i}`;
    byCode.set(zapCode(name), [...(byCode.get(zapCode(name)) ?? []), name]);
  }
  const [first, second] = [...byCode.values()].find((names) => names.length > 1)!;
  assert.ok(first !== undefined && second !== undefined && zapCode(first) === zapCode(second));
  const ask = unary<null, string>();
  const Both = service('both', 'v1', { [first]: ask, [second]: ask });
  const [One, Other] = [service(first, 'v1', { ask }), service(second, 'v1', { ask })];
  const provider = await rig.join('provider');
  await provider.provide(Both, { [first]: () => first, [second]: () => second }, options);
  await provider.provide(One, { ask: () => `service ${first}` }, options);
  await provider.provide(Other, { ask: () => `service ${second}` }, options);
  const gateway = await rig.join('gateway', { seeds: [provider.address] });
  await rig.world.settle(Promise.all([Both, One, Other].map((each) => gateway.ready(each, { timeout: 60_000 }))));
  const both = gateway.client(Both) as Readonly<Record<string, (input: null) => Promise<string>>>;
  assert.equal(await rig.world.settle(both[first]!(null)), first);
  assert.equal(await rig.world.settle(both[second]!(null)), second);
  assert.equal(await rig.world.settle(gateway.client(One).ask(null)), `service ${first}`);
  assert.equal(await rig.world.settle(gateway.client(Other).ask(null)), `service ${second}`);
});

test('[case-46] the session of a provider that has left closes, once nothing is pending', async (t) => {
  const rig = new Rig(t);
  const held = gate();
  const provider = await rig.join('provider');
  await provider.provide(Hello, { ...handlers, greet: (name) => held.passed.then(() => `late ${name}`) }, options);
  const list = staticDiscovery([listed(provider.address)]);
  const gateway = await rig.join('gateway', { discovery: list });
  const call = gateway.client(Hello).greet('you');
  await rig.world.advance(100);
  const sessions = () => [gateway, provider].map(({ domus }) => domus.reporting.connectedPeers().length);
  assert.deepEqual(sessions(), [1, 1]);
  list.set([]);
  await rig.world.advance(1_000);
  assert.deepEqual(sessions(), [1, 1], 'a call is under way');
  held.open();
  assert.equal(await rig.world.settle(call), 'late you');
  await rig.world.advance(5_000);
  assert.deepEqual(sessions(), [0, 0]);
});

test('[case-46] a provider that is delisted, and is a caller too, keeps its session while its own call is under way', async (t) => {
  const rig = new Rig(t);
  const held = gate();
  const list = staticDiscovery([]);
  const near = await rig.join('near', { discovery: list });
  await near.provide(Hello, { ...handlers, greet: (name) => held.passed.then(() => `late ${name}`) }, options);
  const far = await rig.join('far', { discovery: staticDiscovery([listed(near.address)]) });
  list.set([listed(far.address)]);
  near.client(Hello);
  const call = far.client(Hello).greet('you');
  await rig.world.advance(100);
  list.set([]);
  await rig.world.advance(5_000);
  held.open();
  assert.equal(await rig.world.settle(call), 'late you');
  await rig.world.advance(5_000);
  assert.equal(near.domus.reporting.connectedPeers().length, 0);
});

test('[case-46] after 10,000 changes of address nothing is kept of those that are gone', async (t) => {
  const rig = new Rig(t);
  const provider = await rig.join('provider');
  await provider.provide(Hello, handlers, options);
  const list = staticDiscovery([]);
  const gateway = await rig.join('gateway', { discovery: list });
  const client = gateway.client(Hello);
  const change = async (number: number): Promise<void> => {
    const address: DomusAddr = `tcp://10.${1 + ((number >> 16) & 0x7f)}.${(number >> 8) & 0xff}.${number & 0xff}:7000`;
    list.set([listed(provider.address), listed(address)]);
    await turn();
    // One in a hundred is called while it is listed, and cannot be reached; the call is made on the other one then.
    if (number % 100 !== 0) return;
    for (let i = 0; i < 2; i++) {
      // The budget of tries fills with the time.
      await rig.world.advance(100);
      assert.equal(await rig.world.settle(client.greet('you')), 'hi you');
    }
  };
  for (let number = 0; number < 1_000; number++) await change(number);
  const before = usedBytes();
  for (let number = 1_000; number < 11_000; number++) await change(number);
  list.set([listed(provider.address)]);
  await rig.world.advance(120_000);
  assert.equal(await rig.world.settle(client.greet('you')), 'hi you');
  assert.deepEqual([...gateway.domus.delivery.core.peers.keys()], [provider.address]);
  assert.ok(usedBytes() - before < 2 * 1024 * 1024, `${usedBytes() - before} bytes more`);
});

test('[case-57] leave with 5 s ends by then: streams end, calls under way may finish, what hangs is cut', async (t) => {
  const rig = new Rig(t);
  const [finishing, hanging] = [gate(), gate()];
  const provider = await rig.join('provider');
  await provider.provide(
    Hello,
    {
      ...handlers,
      visit: (name) => (name === 'slow' ? finishing : hanging).passed.then(() => `in, ${name}`),
      count: async function* (_to, { signal }) {
        yield 1;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
    options,
  );
  const gateway = await rig.join('gateway', { discovery: staticDiscovery([listed(provider.address)]) });
  const late = await rig.join('late', { discovery: staticDiscovery([listed(provider.address)]) });
  const client = gateway.client(Hello);
  const ends = new Map<string, string>();
  const watch = (name: string, promise: Promise<unknown>): void =>
    void promise.then(
      (value) => ends.set(name, String(value)),
      (error: ProcedureError) => ends.set(name, error.code),
    );
  watch('slow', client.visit('slow'));
  watch('never', client.visit('never'));
  watch('count', toTheEnd(client.count(5)));
  watch('echo', toTheEnd(client.echo(endless(hanging.passed))));
  await rig.world.advance(100);
  assert.equal(ends.size, 0);
  const left = provider.leave({ drainTimeout: 5_000 });
  let isOver = false;
  void left.then(() => {
    isOver = true;
  });
  await rig.world.advance(100);
  assert.deepEqual(Object.fromEntries(ends), { count: 'unavailable', echo: 'unavailable' });
  watch('new', late.client(Hello).visit('new'));
  await rig.world.advance(100);
  assert.equal(ends.get('new'), 'unavailable');
  finishing.open();
  await rig.world.advance(100);
  assert.equal(ends.get('slow'), 'in, slow');
  await rig.world.advance(4_000);
  assert.deepEqual([isOver, ends.get('never')], [false, undefined], 'within its limit');
  await rig.world.advance(1_000);
  assert.deepEqual([isOver, ends.get('never')], [true, 'unavailable']);
  assert.equal((await left).cut, 1);
  hanging.open();
});

test('[case-57] [case-40] a link whose peer is gone does not hold up who leaves', async (t) => {
  const rig = new Rig(t);
  const first = await rig.join('first');
  const second = await rig.join('second', { seeds: [first.address] });
  await rig.world.advance(5_000);
  assert.equal(second.topology.nodes().length, 2);
  rig.world.cut(first.domus, second.domus);
  let isOver = false;
  void second.leave({ drainTimeout: 0 }).then(() => {
    isOver = true;
  });
  await rig.world.advance(1_000);
  assert.ok(isOver);
});

async function toTheEnd(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _each of items);
}

async function* endless(until: Promise<void>): AsyncIterable<number> {
  yield 1;
  await until;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Bytes that are in use once everything that can be collected is. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
