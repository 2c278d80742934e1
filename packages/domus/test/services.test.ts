/** Services over an imperium: offered, found, called, picked, drained, guarded. In memory and over real sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { cbor, type DomusAddr, endpoint } from '../src/index.ts';
import {
  allowList,
  anyAuthenticatedPeer,
  type CallContext,
  Imperium,
  nodeId,
  oneWay,
  type ProcedureError,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '../src/services.ts';
import { imperium as worldOf } from './memory-bench.ts';

const Hello = service('hello', 'v1', { greet: unary<string, string>({ idempotent: true }), notify: oneWay<string>() });
const verifier = anyAuthenticatedPeer();
/** The default of the topology. */
const GOSSIP_PERIOD_MS = 200;

test('[case-41] [case-42] three stable providers get equal shares in a fixed order, over one session each', async (t) => {
  const world = worldOf(t);
  const providers = await Promise.all(['a', 'b', 'c'].map((name) => world.domus(name)));
  const gateway = await world.domus('gateway');
  const seeds = providers.map(({ address }) => address);
  const imperia = await Promise.all([...providers, gateway].map((domus) => Imperium.join(domus, { seeds })));
  t.after(async () => {
    await world.settle(Promise.all(imperia.map((each) => each.leave({ drainTimeout: 0 }))));
  });
  for (const [index, imperium] of imperia.slice(0, 3).entries())
    await imperium.provide(Hello, { greet: () => 'abc'[index]!, notify: () => {} }, { verifier });
  const own = imperia[3]!;
  await world.settle(own.ready(Hello, { minProviders: 3, timeout: 60_000 }));
  const client = own.client(Hello);
  const answers: string[] = [];
  for (let call = 0; call < 9; call++) answers.push(await world.settle(client.greet('x')));
  assert.equal(answers.join(''), `${answers.slice(0, 3).join('')}`.repeat(3));
  assert.deepEqual([...answers].sort().join(''), 'aaabbbccc');
  const sessions = own.domus.reporting.connectedPeers();
  assert.deepEqual(
    sessions.map(({ address, primaryCalles }) => `${address} ${primaryCalles}`).sort(),
    seeds.map((address) => `${address} 1`),
  );
  assert.deepEqual(
    own.topology.nodes().map((node) => node.nodeId),
    ['a', 'b', 'c', 'gateway'],
  );
});

test('[case-43] [case-60] a client finds and calls a provider over mTLS', async (t) => {
  const ca = await createAuthority();
  const open = (id: string, seeds: readonly DomusAddr[] = []) =>
    Imperium.open({ address: 'tcp://127.0.0.1:0', auth: issueAuth({ ca, nodeId: id }), seeds });
  const provider = await open('provider-1');
  t.after(() => provider.leave({ drainTimeout: 0 }));
  await provider.provide(
    Hello,
    { greet: (name, { caller }) => `${name} from ${caller.nodeId}`, notify: () => {} },
    { verifier },
  );
  const gateway = await open('gateway-1', [provider.address]);
  t.after(() => gateway.leave({ drainTimeout: 0 }));
  assert.equal(await gateway.client(Hello).greet('hi'), 'hi from gateway-1');
});

test('[case-51] a caller that is not listed is refused, and an event says so', async (t) => {
  const world = worldOf(t);
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  const [provider, client] = [
    await Imperium.join(a),
    await Imperium.join(b, { discovery: staticDiscovery([{ address: a.address, services: ['hello/v1'] }]) }),
  ];
  t.after(() => Promise.all([provider, client].map((each) => each.leave({ drainTimeout: 0 }))));
  const events = a.reporting.events();
  await provider.provide(
    Hello,
    { greet: () => 'hi', notify: () => {} },
    { verifier: allowList(Hello, { greet: [nodeId('someone-else')] }) },
  );
  await assert.rejects(client.client(Hello).greet('x'), { code: 'unauthorized' });
  await assert.rejects(client.client(Hello).notify('x'), { code: 'unauthorized' });
  for await (const event of events) {
    if (event.kind !== 'call-refused') continue;
    assert.deepEqual([event.nodeId, event.procedure, event.reason], ['b', 'hello/v1/greet', 'not-allowed']);
    break;
  }
});

test('[case-73] a broadcast to five of which one is down tells the outcome of each by node id', async (t) => {
  const world = worldOf(t);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const nodes = await Promise.all(names.map((name) => world.domus(name)));
  const peers = nodes.map(({ address }, index) => ({ address, nodeId: names[index]!, services: ['hello/v1'] }));
  const gateway = await Imperium.join(await world.domus('g'), { discovery: staticDiscovery(peers) });
  const imperia = await Promise.all(nodes.map((domus) => Imperium.join(domus)));
  t.after(async () => {
    await world.settle(Promise.all([gateway, ...imperia].map((each) => each.leave({ drainTimeout: 0 }))));
  });
  for (const [index, imperium] of imperia.entries())
    await imperium.provide(Hello, { greet: () => `from ${names[index]}`, notify: () => {} }, { verifier });
  await world.settle(nodes[2]!.shutdown({ drainTimeout: 0 }));
  const outcomes = await world.settle(gateway.broadcast(Hello.greet, 'x'));
  assert.deepEqual(
    [...outcomes].map(([nodeId, each]) => [
      nodeId,
      each.status,
      each.status === 'fulfilled' ? each.value : (each.reason as ProcedureError).code,
    ]),
    names.map((name) => (name === 'c' ? [name, 'rejected', 'unavailable'] : [name, 'fulfilled', `from ${name}`])),
  );
});

test('[case-44] without providers a call that does not wait fails at once', async (t) => {
  const world = worldOf(t);
  const imperium = await Imperium.join(await world.domus('a'));
  t.after(() => imperium.leave({ drainTimeout: 0 }));
  await assert.rejects(imperium.client(Hello, { minProviders: 0 }).greet('x'), { code: 'no-providers' });
});

test('[case-61] waiting for providers ends with what was wanted and found', async (t) => {
  const world = worldOf(t);
  const imperium = await Imperium.join(await world.domus('a'));
  t.after(() => imperium.leave({ drainTimeout: 0 }));
  const failed = assert.rejects(imperium.client(Hello, { discoverTimeout: 200 }).greet('x'), {
    code: 'no-providers',
    message: 'hello/v1 has 0 providers of the 1 wanted: this node knows no other node',
  });
  await world.advance(200);
  await failed;
  const other = await Imperium.join(await world.domus('b'), { seeds: [imperium.address] });
  t.after(() => other.leave({ drainTimeout: 0 }));
  await world.advance(1_000);
  const { message } = (await world.settle(
    imperium
      .client(Hello, { discoverTimeout: 200 })
      .greet('x')
      .catch((error: unknown) => error),
  )) as ProcedureError;
  assert.equal(message, 'hello/v1 has 0 providers of the 1 wanted');
});

test('[case-61] a call whose time is over while it waits for providers is deadline-exceeded, and its cause says what was found', async (t) => {
  const world = worldOf(t);
  const gateway = await Imperium.join(await world.domus('gateway'));
  t.after(() => world.settle(gateway.leave({ drainTimeout: 0 })));
  const Ticks = service('ticks', 'v1', { every: serverStream<number, number>() });
  const ticking = async (timeout: number): Promise<void> => {
    for await (const _tick of gateway.client(Ticks).every(1, { timeout }));
  };
  for (const timeout of [500, 500.5]) {
    for (const call of [() => gateway.client(Hello).greet('x', { timeout }), () => ticking(timeout)]) {
      const failure = call().then(
        () => assert.fail('answered'),
        (error: ProcedureError) => error,
      );
      const { code, cause } = await world.settle(failure);
      assert.equal(code, 'deadline-exceeded');
      assert.match(String(cause), /0 providers of the 1 wanted: this node knows no other node/);
    }
  }
});

test('[case-47] a client of an imperium that was left fails at once', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('a');
  const imperium = await Imperium.join(domus);
  const client = imperium.client(Hello);
  await imperium.leave();
  await assert.rejects(client.greet('x'), { code: 'unavailable' });
});

test('[case-47] after the domus below was shut down a call fails at once too', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('a');
  const imperium = await Imperium.join(domus);
  const client = imperium.client(Hello);
  await domus.shutdown();
  await assert.rejects(client.greet('x'), { code: 'unavailable' });
  await imperium.leave({ drainTimeout: 0 });
});

test('[case-47] the shutdown of the domus below ends what its node calls at itself, its sources, its checks and its waits', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('a');
  const discovery = staticDiscovery();
  const imperium = await Imperium.join(domus, { discovery });
  const aborted: unknown[] = [];
  const greet = (_name: string, { signal }: CallContext): Promise<string> =>
    new Promise(() => signal.addEventListener('abort', () => aborted.push('greet')));
  imperium.health.add('hanging', (signal) => {
    signal.addEventListener('abort', () => aborted.push('hanging'));
    return new Promise(() => {});
  });
  await imperium.provide(Hello, { greet, notify: () => {} }, { verifier });
  const call = assert.rejects(imperium.client(Hello).greet('me'), { code: 'unavailable' });
  const wait = assert.rejects(imperium.ready(Hello, { minProviders: 2 }), { code: 'unavailable' });
  const changes = discovery.changes()[Symbol.asyncIterator]();
  await world.advance(10);
  await world.settle(domus.shutdown({ drainTimeout: 0 }));
  await world.settle(Promise.all([call, wait]));
  assert.deepEqual(await changes.next(), { done: true, value: undefined });
  assert.deepEqual(aborted.sort(), ['greet', 'hanging']);
  assert.deepEqual(await world.settle(imperium.leave()), { finished: 0, cut: 1 });
});

test('a limit for leaving that is out of range is told, and nothing has ended', async (t) => {
  const world = worldOf(t);
  const imperium = await Imperium.join(await world.domus('a'));
  await assert.rejects(imperium.leave({ drainTimeout: -1 }), { kind: 'invalid-config', message: /drainTimeout.*-1/ });
  await imperium.provide(Hello, { greet: () => 'still here', notify: () => {} }, { verifier });
  assert.equal(await imperium.client(Hello).greet('x'), 'still here');
  assert.deepEqual(await imperium.leave({ drainTimeout: 0 }), { finished: 0, cut: 0 });
});

test('two imperia in one process do not meet, though one is given an address of the other', async (t) => {
  const opened = async (seeds: readonly DomusAddr[]): Promise<Imperium> => {
    const auth = issueAuth({ ca: await createAuthority(), nodeId: 'node-1' });
    const imperium = await Imperium.open({ address: 'tcp://127.0.0.1:0', auth, seeds });
    t.after(() => imperium.leave({ drainTimeout: 0 }));
    return imperium;
  };
  const one = await opened([]);
  await one.provide(Hello, { greet: () => 'hi', notify: () => {} }, { verifier });
  const other = await opened([one.address]);
  for await (const event of other.domus.reporting.events({ fromStart: true }))
    if (event.kind === 'peer-dial-failed' && event.peer === one.address) break;
  await assert.rejects(other.client(Hello, { minProviders: 0 }).greet('x'), { code: 'no-providers' });
  for (const imperium of [one, other]) {
    assert.deepEqual(
      imperium.topology.nodes().map(({ address }) => address),
      [imperium.address],
    );
    assert.deepEqual(imperium.domus.reporting.connectedPeers(), []);
  }
});

test('a provider that says that it is unwell gets no calls within one gossip period, and again once it is well', async (t) => {
  const world = worldOf(t);
  const one = await Imperium.join(await world.domus('one'));
  await one.provide(Hello, { greet: () => 'hi', notify: () => {} }, { verifier });
  const gateway = await Imperium.join(await world.domus('gateway'), { seeds: [one.address] });
  t.after(() => world.settle(Promise.all([one, gateway].map((each) => each.leave({ drainTimeout: 0 })))));
  const client = gateway.client(Hello, { minProviders: 0 });
  await world.settle(gateway.ready(Hello));
  assert.equal(await world.settle(client.greet('x')), 'hi');
  one.health.set('unhealthy');
  await world.advance(GOSSIP_PERIOD_MS);
  await assert.rejects(client.greet('x'), { code: 'no-providers' });
  one.health.set('healthy');
  await world.advance(GOSSIP_PERIOD_MS);
  assert.equal(await world.settle(client.greet('x')), 'hi');
});

test('a verifier guards a taberna', async (t) => {
  const world = worldOf(t);
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  const Orders = endpoint('orders', cbor<number>());
  const seen: number[] = [];
  await a.serve(Orders, (order) => void seen.push(order), {
    verifier: { verify: (caller, name) => caller.nodeId === 'a' && name === 'taberna/orders' },
  });
  await assert.rejects(b.send(Orders, 1), { kind: 'remote-taberna-rejected' });
  await a.send(Orders, 2);
  assert.deepEqual(seen, [2]);
});

test('[api-58] a node and its parts show themselves in a line, printed or as JSON', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('a');
  const imperium = await Imperium.join(domus);
  t.after(() => imperium.leave({ drainTimeout: 0 }));
  const Ticks = service('ticks', 'v1', { watch: serverStream<number, number>() });
  await imperium.provide(Ticks, { watch: async function* () {} }, { verifier });
  const ticks = imperium.client(Ticks).watch(1);
  const { address } = domus;
  const shown: [part: unknown, text: string, json: unknown][] = [
    [imperium, `Imperium { address: '${address}' }`, { address }],
    [imperium.topology, 'Topology { nodes: 1, links: [] }', { nodes: 1, links: [] }],
    [imperium.health, "Health { state: 'unknown', manual: null, checks: [] }", imperium.health.status()],
    [domus.reporting, `Reporting { address: '${address}' }`, { address }],
    [await domus.serve(endpoint('orders', cbor()), () => {}), "Serving { endpoint: 'orders' }", { endpoint: 'orders' }],
    [ticks, "Items { state: 'open' }", { state: 'open' }],
  ];
  for (const [part, text, json] of shown) {
    assert.equal(inspect(part), text);
    assert.deepEqual(JSON.parse(JSON.stringify(part)), json);
  }
  for await (const tick of ticks) assert.fail(`${tick}`);
});
