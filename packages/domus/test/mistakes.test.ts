/**
 * What a program without a type check can get wrong: each is `invalid-config`, and its text names what is wrong, what it must
 * be and what was given. None is an error of the machinery inside.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  authFromEnv,
  authFromFiles,
  blobEndpoint,
  bytes,
  cbor,
  Domus,
  DomusError,
  json,
  metricsDelta,
  SimpleResolver,
  tcpAddress,
} from '../src/index.ts';
import {
  anyAuthenticatedPeer,
  bidiStream,
  type Client,
  clientStream,
  combineDiscoveries,
  dnsCheck,
  domusCheck,
  functionCheck,
  httpCheck,
  Imperium,
  oneWay,
  ProcedureError,
  random,
  serverStream,
  service,
  staticDiscovery,
  sticky,
  unary,
} from '../src/services.ts';
import { inProcessClient, type MemoryImperium, memoryImperium } from '../src/testing.ts';
import { Numbers, imperium as worldOf } from './memory-bench.ts';

/** A value as no type allows it. */
const none = (value: unknown): never => value as never;

const verifier = anyAuthenticatedPeer();

const Stock = service('stock', 'v1', {
  level: unary<string, number>({ idempotent: true }),
  forget: oneWay<string>(),
  watch: serverStream<string, number>(),
  bring: clientStream<number, number>(),
  check: bidiStream<number, number>(),
});
const handlers = {
  level: () => 1,
  forget: () => {},
  watch: async function* () {},
  bring: () => 2,
  check: async function* () {},
};

type Mistake = readonly [call: () => unknown, text: RegExp];

async function assertRefused(mistakes: readonly Mistake[]): Promise<void> {
  for (const [call, text] of mistakes) {
    const error = await thrownBy(call);
    assert.ok(DomusError.is(error), `${text}: ${error}`);
    assert.deepEqual([error.kind, error.delivery], ['invalid-config', 'not-sent'], error.message);
    assert.match(error.message, text);
  }
}

/** What a call throws, or rejects with. */
async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('[api-22] options that are no object are refused by every call that takes some', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('gateway');
  const inbox = await domus.taberna(Numbers);
  for (const given of [null, 5, 'options']) {
    const options = none(given);
    const refused = (call: string) => new RegExp(`options of .*${call}.* must be an object, got .*${given}`);
    await assertRefused([
      [() => domus.send(Numbers, 1, options), refused('send')],
      [() => domus.serve(Numbers, () => {}, options), refused('serve')],
      [() => domus.taberna(Numbers, options), refused('taberna')],
      [() => domus.reloadAuth(undefined, options), refused('reloadAuth')],
      [() => domus.shutdown(options), refused('shutdown')],
      [() => inbox.receive(options), refused('receive')],
      [() => domus.reporting.events(options), refused('feed')],
      [() => domus.reporting.errors(options), refused('feed')],
      [() => memoryImperium(options), refused('memoryImperium')],
      [() => world.domus('other', options), refused('domus in memory')],
      [() => authFromFiles(options), refused('authFromFiles')],
      [() => authFromEnv(options), refused('authFromEnv')],
      [() => cbor(undefined, options), refused('codec')],
      [() => json(undefined, options), refused('codec')],
      [() => bytes(undefined, options), refused('codec')],
    ]);
  }
  await domus.reporting.events().return?.();
});

test('[api-22] [api-27] [api-60] what is no route, snapshot, environment or domus is refused by its name', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('gateway');
  const snapshot = domus.reporting.snapshot();
  const address = tcpAddress('127.0.0.1', 7000);
  await assertRefused([
    [() => new SimpleResolver(none(null)), /routes must be a list of pairs .*, got null/],
    [() => new SimpleResolver(none('routes')), /routes must be a list of pairs .*, got "routes"/],
    [() => new SimpleResolver(none({ orders: address })), /routes must be a list of pairs .*, got object/],
    [() => new SimpleResolver(none([Numbers, address])), /route must be a pair .*, got object/],
    [() => new SimpleResolver(none([null])), /route must be a pair .*, got null/],
    [() => metricsDelta(none(null), snapshot), /previous must be a snapshot .*, got null/],
    [() => metricsDelta(snapshot, none(undefined)), /current must be a snapshot .*, got undefined/],
    [() => authFromEnv(none({ env: null })), /env must be an object of variables, got null/],
    [() => authFromEnv({ prefix: '' }), /prefix must be a text with content, got ""/],
    [() => world.domus(none(5)), /nodeId must be a text, got 5/],
    [() => world.domus('x', none({ nodeType: 5 })), /nodeType must be a text, got 5/],
    [
      () => world.domus('x', none({ resolver: () => address })),
      /resolver must be an object with resolve, got function/,
    ],
    [() => world.domus('x', none({ log: 'console' })), /log must be a function, got "console"/],
    [() => world.cut(none(null), domus), /a must be a domus of this imperium, got null/],
    [() => world.cut(domus, none('worker')), /b must be a domus of this imperium, got "worker"/],
  ]);
});

test('[api-2] [api-23] port 0 is no place to send to', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('gateway');
  const to = tcpAddress('127.0.0.1', 0);
  const text = /port must be 1\.\.65535, since a peer has a port, got "tcp:\/\/127\.0\.0\.1:0"/;
  await assertRefused([
    [() => domus.send(Numbers, 1, { to }), text],
    [() => new SimpleResolver([[Numbers, to]]), text],
    [() => Imperium.join(domus, { seeds: [to] }), text],
  ]);
});

test('[case-17] joining is refused for what would join with nobody', async (t) => {
  const world = worldOf(t);
  const domus = await world.domus('gateway');
  const joined = (options: unknown) => () => Imperium.join(domus, none(options));
  await assertRefused([
    [() => Imperium.join(none(undefined)), /domus must be one that Domus.open has opened, got undefined/],
    [() => Imperium.join(none(Promise.resolve(domus))), /domus must be one that Domus.open has opened, got object/],
    [joined(null), /options of joining must be an object, got null/],
    [joined({ seeds: null }), /seeds must be a list of addresses, or a discovery, got null/],
    [joined({ seeds: 'tcp://127.0.0.1:7000' }), /seeds must be a list of addresses, or a discovery, got "tcp:/],
    [joined({ seeds: {} }), /seeds must be a list of addresses, or a discovery, got object/],
    [joined({ discovery: 'mdns' }), /discovery must be a discovery, with peers, .*, got "mdns"/],
    [joined({ discovery: [staticDiscovery(), {}] }), /discovery must be a discovery, with peers, .*, got object/],
    [joined({ metadata: 'eu' }), /metadata must be an object of texts, got "eu"/],
    [joined({ metadata: ['eu'] }), /metadata must be an object of texts, got object/],
    [joined({ topology: null }), /topology must be an object of settings, got null/],
    [joined({ health: null }), /health must be an object of checks, got null/],
    [joined({ health: { disk: true } }), /check "disk" must be a function, got true/],
    [() => combineDiscoveries(none(null)), /sources must be a discovery, .*, got null/],
    [() => staticDiscovery().changes(none(null)), /options of changes must be an object, got null/],
    [() => staticDiscovery(none('tcp://127.0.0.1:7000')), /peers must be a list .*, got "tcp:/],
  ]);
  const imperium = await Imperium.join(domus);
  const twice = await thrownBy(() => Imperium.join(domus));
  assert.match(String(twice), /taberna-already-registered: this domus \(node\) has joined its imperium/);
  await world.settle(imperium.leave());
});

test('[case-37] a definition is refused for what is none, a schema in the place of options among it', async () => {
  const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
  await assertRefused([
    [() => unary(none(null)), /options of a unary procedure must be an object, got null/],
    [
      () => unary(none(schema)),
      /options of a unary procedure must be made of input, output, idempotent, got "~standard"/,
    ],
    [() => serverStream(none({ inputs: schema })), /options of a server-stream procedure must be .*, got "inputs"/],
    [
      () => service('stock', 'v1', { level: unary(none({ input: 5 })) }),
      /input of stock\/v1\/level must be a Standard Schema, version 1, got 5/,
    ],
  ]);
});

/** Two nodes that know each other, and a client of the second for the service of the first. */
async function stockNodes(t: TestContext): Promise<{
  world: MemoryImperium;
  domus: Domus;
  provider: Imperium;
  caller: Imperium;
  client: Client<typeof Stock>;
}> {
  const world = worldOf(t);
  const [domus, other] = [await world.domus('provider'), await world.domus('caller')];
  const provider = await Imperium.join(domus);
  const caller = await Imperium.join(other, { seeds: [domus.address] });
  t.after(() => world.settle(Promise.all([caller, provider].map((each) => each.leave({ drainTimeout: 0 })))));
  await provider.provide(Stock, handlers, { verifier });
  await world.settle(caller.ready(Stock));
  return { world, domus, provider, caller, client: caller.client(Stock) };
}

test('[case-17] [case-22] an imperium refuses what is no service, procedure, option or signal', async (t) => {
  const { provider, caller, world, domus } = await stockNodes(t);
  const { topology } = caller;
  const signal = none(new AbortController());
  const noService = /service must be a definition made by service\(\.\.\.\), got/;
  const noSignal = /signal must be an AbortSignal, got object/;
  await assertRefused([
    [() => caller.client(none(undefined)), noService],
    [() => caller.client(none('stock/v1')), noService],
    [() => caller.client(none(Stock.level)), noService],
    [() => caller.client(Stock, { picker: sticky(none('eu')) }), /keyOf must be a function, got "eu"/],
    [() => caller.client(Stock, none(null)), /options of a client must be an object, got null/],
    [() => caller.ready(none(null)), noService],
    [() => caller.ready(Stock, none(null)), /options of ready must be an object, got null/],
    [() => caller.ready(Stock, { signal }), noSignal],
    [
      () => caller.broadcast(none(undefined), 'desk'),
      /procedure must be a unary or one-way procedure .*, got undefined/,
    ],
    [() => caller.broadcast(none(Stock), 'desk'), /procedure must be a unary or one-way procedure .*, got object/],
    [() => caller.broadcast(none(Stock.watch), 'desk'), /procedure must be .*, got "server-stream"/],
    [() => caller.provide(none(null), handlers, { verifier }), noService],
    [() => caller.setMetadata(none(undefined)), /metadata must be an object of texts, got undefined/],
    [() => caller.health.onChange(none(null)), /listener must be a function, got null/],
    [() => caller.leave(none(null)), /options of leaving must be an object, got null/],
    [() => caller.leave({ signal }), noSignal],
    [() => caller.leave(none({ drainTimeout: null })), /drainTimeout must be 0 to 600000 ms, got null/],
    [() => topology.changes(none(null)), /options of changes must be an object, got null/],
    [() => topology.changes({ signal }), noSignal],
    [() => topology.ping(domus.address, none(null)), /options of a question to a peer must be an object, got null/],
    [() => topology.ping(domus.address, { signal }), noSignal],
    [() => httpCheck('http://127.0.0.1/', none(null)), /options of httpCheck must be an object, got null/],
    [() => dnsCheck('localhost', none(null)), /options of dnsCheck must be an object, got null/],
    [() => domusCheck(async () => 1, none(null)), /options of domusCheck must be an object, got null/],
    [() => inProcessClient(none({}), handlers, { caller: { nodeId: 'x' } }), noService],
    [
      () => inProcessClient(Stock, handlers, none({ caller: { nodeId: 'x' }, report: 5 })),
      /report must be a function, got 5/,
    ],
  ]);
  const twice = await thrownBy(() => provider.provide(Stock, handlers, { verifier }));
  assert.match(String(twice), /taberna-already-registered: stock\/v1 is provided here already/);
  // None of it has begun anything.
  assert.equal(await world.settle(caller.client(Stock).level('desk')), 1);
});

test('[api-22] a misspelt option is refused by every call that takes options, and told what there is', async (t) => {
  const { caller, world, domus, client } = await stockNodes(t);
  const inbox = await domus.taberna(Numbers);
  const Files = blobEndpoint('files', bytes());
  const { reporting } = domus;
  const signal = new AbortController().signal;
  const options = none({ signal, timout: 5 });
  const made = (names: string): RegExp => new RegExp(`options of .* must be made of ${names}, got "timout"`);
  await assertRefused([
    [() => domus.send(Numbers, 1, options), made('signal, to, whenFull')],
    [() => domus.sendBlob(Files, new Uint8Array(), options), made('signal, to')],
    [() => domus.serve(Files, () => {}, options), made('concurrency, signal, verifier')],
    [() => domus.taberna(Files, options), made('signal, verifier')],
    [() => inbox.receive(options), made('timeout, signal')],
    [() => domus.reloadAuth(undefined, options), made('signal')],
    [() => domus.shutdown(options), made('drainTimeout, signal')],
    [() => reporting.events(options), made('signal, buffer, fromStart')],
    [() => reporting.errors(options), made('signal, buffer, fromStart')],
    [() => memoryImperium(none({ timout: 5 })), made('seed')],
    [() => world.domus('other', none({ timout: 5 })), made('nodeType, config, resolver, log')],
    [() => authFromFiles(none({ timout: 5 })), made('ca, cert, key, watch')],
    [() => authFromEnv(none({ timout: 5 })), made('env, prefix')],
    [() => cbor(undefined, none({ timout: 5 })), made('type')],
    [() => Domus.open(none({ address: 'tcp://127.0.0.1:1', timout: 5 })), made('address, auth, .*')],
    [() => Imperium.open(none({ address: 'tcp://127.0.0.1:1', timout: 5 })), made('address, auth, .*, seeds, .*')],
    [() => Imperium.join(domus, none({ timout: 5 })), made('seeds, discovery, metadata, topology, health, signal')],
    [() => caller.client(Stock, none({ timout: 5 })), made('picker, callTimeout, .*')],
    [() => caller.ready(Stock, options), made('minProviders, timeout, signal')],
    [() => caller.provide(Stock, handlers, none({ verifier, timout: 5 })), made('verifier, concurrency, .*')],
    [() => caller.leave(options), made('drainTimeout, signal')],
    [() => caller.topology.changes(options), made('signal')],
    [() => caller.topology.ping(domus.address, options), made('signal, timeout')],
    [() => httpCheck('http://127.0.0.1/', none({ timout: 5 })), made('expect, method, headers, ca')],
    [() => dnsCheck('localhost', none({ timout: 5 })), made('lookup')],
    [() => domusCheck(async () => 1, none({ timout: 5 })), made('maxRoundTripMs')],
    [
      () => inProcessClient(Stock, handlers, none({ caller: { nodeId: 'x' }, timout: 5 })),
      made('caller, verifier, .*'),
    ],
    [() => random(none({ timout: 5 })), made('seed')],
    [() => staticDiscovery().changes(options), made('signal')],
    [() => combineDiscoveries(staticDiscovery()).changes(options), made('signal')],
  ]);
  const has = (what: string, names: string): RegExp =>
    new RegExp(`${what} has no field "timout"; its fields are ${names}`);
  const check = functionCheck(() => true);
  await assertRefused([
    [() => domus.config.update(none({ timout: 5 })), has('config', 'sendQueueSize, .*, maxPayloadLen')],
    [
      () => domus.config.update({ blobWindow: none({ chunkSize: 1, ackWindow: 1, timout: 5 }) }),
      has('blobWindow', 'chunkSize, ackWindow'),
    ],
    [() => Imperium.join(domus, { topology: none({ timout: 5 }) }), has('topology', 'links, .*, lifeguard')],
    [() => Imperium.join(domus, { topology: none({ toString: 5 }) }), /topology has no field "toString"/],
    [() => caller.health.add('disk', check, none({ timout: 5 })), has('a check', 'interval, .*, successThreshold')],
  ]);
  await assertInvalid(world, () => client.level('desk', options), made('signal, timeout, metadata, parent, key'));
  // A name that every object has is none of an option, and one without a value is no mistake.
  await assertRefused([[() => inbox.receive(none({ constructor: 5 })), /got "constructor"/]]);
  assert.equal(await world.settle(client.level('desk', none({ signal: undefined, timeout: undefined }))), 1);
});

test('[case-48] [case-74] a call is invalid-argument for options and inputs that are none, of every kind of procedure', async (t) => {
  const { world, client } = await stockNodes(t);
  const options: [unknown, RegExp][] = [
    [null, /options of a call must be an object, got null/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal, got object/],
    [{ metadata: 5 }, /metadata must be an object of texts, got 5/],
    [{ parent: {} }, /parent must be the context of a handler, got object/],
    [{ parent: null }, /parent must be the context of a handler, got null/],
    [{ key: 5 }, /key must be a text, got 5/],
  ];
  const first = (outputs: AsyncIterable<unknown>) => outputs[Symbol.asyncIterator]().next();
  for (const [given, text] of options) {
    const calls = [
      () => client.level('desk', none(given)),
      () => client.forget('desk', none(given)),
      () => first(client.watch('desk', none(given))),
      () => client.bring([], none(given)),
      () => first(client.check([], none(given))),
    ];
    for (const call of calls) await assertInvalid(world, call, text);
  }
  for (const inputs of [undefined, null, 5, {}, async function* () {}]) {
    const text = (name: string) => new RegExp(`the inputs of stock/v1/${name} must be an iterable`);
    await assertInvalid(world, () => client.bring(none(inputs)), text('bring'));
    await assertInvalid(world, () => first(client.check(none(inputs))), text('check'));
  }
});

async function assertInvalid(world: MemoryImperium, call: () => Promise<unknown>, text: RegExp): Promise<void> {
  const error = await thrownBy(() => world.settle(call()));
  assert.ok(ProcedureError.is(error), `${text}: ${error}`);
  assert.equal(error.code, 'invalid-argument');
  assert.match(error.message, text);
}

test('[a1-err-3] an answer without a text says what it means', async (t) => {
  const world = worldOf(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const send = () => thrownBy(() => world.settle(gateway.send(Numbers, 1, { to: worker.address })));
  assert.match(String(await send()), /unknown-taberna: the peer refused the message: it has no such taberna \(inbox\)/);
  await worker.serve(Numbers, (_, request) => void request.reject());
  assert.match(
    String(await send()),
    /remote-taberna-rejected: the peer refused the message: its handler has rejected it, or/,
  );
});

test('[case-24] checks that are given with the other options run from the beginning', async (t) => {
  const world = worldOf(t);
  let runs = 0;
  const imperium = await Imperium.join(await world.domus('worker'), { health: { disk: () => void runs++ } });
  assert.deepEqual(
    imperium.health.status().checks.map(({ name, state }) => [name, state]),
    [['disk', 'unknown']],
  );
  await world.advance(3_000);
  assert.equal(imperium.health.state, 'healthy');
  assert.ok(runs >= 2);
  await world.settle(imperium.leave());
});
