/** Changes of the configuration of a running domus: what they reach, and what refuses them. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { turns, until } from '@flaminia/testkit';
import type { DomusConfig } from '../src/config.ts';
import type { DiagnosticsLog } from '../src/diagnostics.ts';
import type { Domus } from '../src/domus.ts';
import { LiveConfig } from '../src/live-config.ts';
import type { LogEntry } from '../src/options.ts';
import { eventsOf, gate, imperium, Numbers, rest, Watched } from './memory-bench.ts';
import { SocketImperium } from './socket-imperium.ts';

/** Two domus in memory, of which the worker holds every number back. */
async function pair(t: TestContext, config: Partial<DomusConfig> = {}) {
  const world = imperium(t);
  const log: LogEntry[] = [];
  const worker = await world.domus('worker');
  const gateway = await world.domus('gateway', { config, log: (entry) => log.push(entry) });
  const held = await worker.taberna(Numbers);
  const send = (n: number, whenFull: 'fail' | 'wait' = 'fail') => new Watched(gateway.send(Numbers, n, { whenFull }));
  return { world, worker, gateway, held, send, log };
}

test('[api-64] [api-41] [cfg-13] an update returns what is in force then, and is reported', async (t) => {
  const { gateway } = await pair(t, { sendTimeout: 10_000 });
  const before = gateway.config.snapshot();
  const events = eventsOf(gateway);
  const after = gateway.config.update({ keepaliveInterval: 5_000, reconnectBackoff: [7] });
  assert.equal(gateway.config.snapshot(), after);
  assert.ok(Object.isFrozen(after) && Object.isFrozen(after.reconnectBackoff));
  assert.deepEqual(after, { ...before, keepaliveInterval: 5_000, reconnectBackoff: [7] });
  assert.equal(before.keepaliveInterval, 15_000, 'a snapshot is of its moment');
  await rest();
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['config-reloaded'],
  );
});

test('[cfg-6] [cfg-2] [cfg-3] an update that is refused changes nothing and is not reported', async (t) => {
  const { gateway } = await pair(t, { acceptTimeout: 4_000 });
  const events = eventsOf(gateway);
  const before = gateway.config.snapshot();
  const rows: [update: unknown, text: RegExp][] = [
    [{ sendTimeout: 0 }, /sendTimeout must be an integer, 1 to 300000 ms, got 0/],
    [{ sendQueueSize: 5, sendTimeout: Number.NaN }, /sendTimeout/],
    [{ sendTimeout: 3_999 }, /acceptTimeout must be at most sendTimeout \(3999\), got 4000/],
    [{ inboundHandshakeLimitTotal: 2, inboundHandshakeLimitPerPeer: 3 }, /inboundHandshakeLimitPerPeer/],
    [{ blobWindow: { chunkSize: 5 } }, /blobWindow\.ackWindow/],
    [{ sendTimout: 5 }, /config has no field "sendTimout"/],
    [undefined, /config must be an object/],
    [null, /config must be an object/],
  ];
  for (const [update, message] of rows) {
    assert.throws(() => gateway.config.update(update as DomusConfig), { code: 'invalid-config', message });
    assert.equal(gateway.config.snapshot(), before);
  }
  await rest();
  assert.deepEqual(events, []);
});

test('[cfg-5] [api-71] the log warns of blob buffers that are clamped, at the opening and at an update', async (t) => {
  const told: DiagnosticsLog[] = [];
  const listener = (message: unknown): void => void told.push(message as DiagnosticsLog);
  subscribe('flaminia:log', listener);
  t.after(() => unsubscribe('flaminia:log', listener));
  const { gateway, log } = await pair(t, { blobOutboundBufferBytes: 1e15, blobInboundBufferBytes: 1e15 });
  await rest();
  assert.deepEqual(
    log.map(({ id, label, suppressed }) => [id, label, suppressed]),
    [
      [0, 'config-clamped', 0],
      [0, 'config-clamped', 0],
    ],
  );
  const { blobOutboundBufferBytes: cap } = gateway.config.update({ sendQueueSize: 5 });
  await rest();
  assert.equal(log.length, 2, 'nothing was clamped this time');
  gateway.config.update({ blobInboundBufferBytes: cap + 1 });
  await rest();
  assert.match(log[2]!.detail!, new RegExp(`^blobInboundBufferBytes ${cap + 1} .* ${cap} is used$`));
  assert.deepEqual(
    told.map(({ domus, entry }) => [domus, entry]),
    log.map((entry) => [gateway.address, entry]),
  );
});

test('[cfg-5] a log that throws fails neither the opening nor an update; over sockets as in memory', async (t) => {
  const imperium = new SocketImperium(t, 'unix');
  let told = 0;
  const log = (): never => {
    told++;
    throw new Error('the disk is full');
  };
  const domus = await imperium.open({ config: { blobInboundBufferBytes: 1e15 }, log });
  domus.config.update({ blobOutboundBufferBytes: 1e15 });
  await rest();
  assert.equal(told, 2);
});

test('[cfg-10] lane sizes apply at once: a larger lane lets in what waits, a smaller one evicts nothing', async (t) => {
  const { world, gateway, held, send } = await pair(t, { sendQueueSize: 1 });
  const first = send(1);
  const [waits, refused] = [send(2, 'wait'), send(3)];
  await world.advance(0);
  assert.deepEqual([first.kind, waits.kind, refused.kind], ['pending', 'pending', 'local-queue-full']);
  gateway.config.update({ sendQueueSize: 2 });
  await world.advance(0);
  const requests = [await held.receive(), await held.receive()];
  gateway.config.update({ sendQueueBytes: 1, sendQueueSize: 128 });
  const tooMuch = send(5);
  await world.advance(0);
  assert.equal(tooMuch.kind, 'local-queue-full');
  assert.deepEqual([first.kind, waits.kind], ['pending', 'pending']);
  for (const request of requests) request.accept();
  await world.advance(0);
  assert.deepEqual([first.kind, waits.kind], ['resolved', 'resolved']);
});

test('[cfg-10] ingress sizes and acceptTimeout apply at once', async (t) => {
  const { world, worker, send } = await pair(t);
  worker.config.update({ tabernaAcceptQueueSize: 1 });
  const [kept, over] = [send(1), send(2)];
  await world.advance(0);
  assert.deepEqual([kept.kind, over.kind], ['pending', 'taberna-busy']);
  worker.config.update({ tabernaAcceptQueueSize: 8, acceptTimeout: 100 });
  const hurried = send(3);
  await world.advance(0);
  await world.advance(100);
  assert.deepEqual([kept.kind, hurried.kind], ['pending', 'taberna-busy'], 'what waits keeps its time');
  await world.advance(4_900);
  assert.equal(kept.kind, 'taberna-busy');
});

test('[cfg-10] a new sendTimeout is that of messages taken later, shorter or longer', async (t) => {
  const { world, gateway, held, send } = await pair(t);
  const before = send(1);
  gateway.config.update({ sendTimeout: 1_000 });
  const short = send(2);
  gateway.config.update({ sendTimeout: 60_000 });
  const long = send(3);
  const requests = [await held.receive(), await held.receive(), await held.receive()];
  await world.advance(1_000);
  assert.deepEqual([before.kind, short.kind, long.kind], ['pending', 'send-timeout', 'pending']);
  await world.advance(29_000);
  assert.deepEqual([before.kind, long.kind], ['send-timeout', 'pending']);
  await world.advance(30_000);
  assert.equal(long.kind, 'send-timeout');
  assert.equal(requests.length, 3);
});

test('[cfg-10] [api-26] a shorter sendTimeout holds for messages that wait for a route behind older ones', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway', { resolver: { resolve: () => gate().passed.then(() => undefined) } });
  const old = new Watched(gateway.send(Numbers, 1));
  gateway.config.update({ sendTimeout: 100 });
  const young = new Watched(gateway.send(Numbers, 2));
  await world.advance(100);
  assert.deepEqual([old.kind, young.kind], ['pending', 'send-timeout']);
});

test('[cfg-10] keepaliveInterval and reconnectBackoff apply to the peers of now', async (t) => {
  const { world, worker, gateway, held, send } = await pair(t, { keepaliveInterval: 0 });
  const sent = send(1);
  (await held.receive()).accept();
  await world.advance(60_000);
  assert.deepEqual([sent.kind, gateway.reporting.snapshot().keepalives.sent], ['resolved', 0]);
  gateway.config.update({ keepaliveInterval: 10_000, reconnectBackoff: [10] });
  await world.advance(30_000);
  assert.equal(gateway.reporting.snapshot().keepalives.sent, 3);
  world.cut(gateway, worker);
  send(2);
  await world.advance(100);
  assert.ok(gateway.reporting.snapshot().dials.failures > 5, 'the wait between dials is the new one');
  world.heal();
  await world.advance(10);
});

test('[cfg-10] maxPayloadLen applies at once in both directions', async (t) => {
  const { world, worker, gateway, send } = await pair(t);
  gateway.config.update({ maxPayloadLen: 2 });
  const [fits, tooLong] = [send(10), send(100)];
  await world.advance(0);
  assert.deepEqual([fits.kind, tooLong.kind], ['pending', 'encode-failure']);
  gateway.config.update({ maxPayloadLen: 1_000 });
  worker.config.update({ maxPayloadLen: 2 });
  const refused = send(100);
  await world.advance(0);
  assert.equal(refused.kind, 'protocol-violation');
});

test('[cfg-10] limitedLogInterval applies to the next record', async (t) => {
  const { world, gateway, log, send } = await pair(t, { sendQueueSize: 1 });
  const overruns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) send(i);
    await world.advance(0);
  };
  await overruns(5);
  assert.deepEqual([log.length, log[0]?.id], [1, 1004]);
  gateway.config.update({ limitedLogInterval: 0 });
  await overruns(2);
  assert.deepEqual(
    log.map(({ suppressed }) => suppressed),
    [0, 3, 0],
  );
  gateway.config.update({ limitedLogInterval: 1_000 });
  await overruns(2);
  assert.equal(log.length, 3);
});

test('[api-43] after a shutdown an update is domus-closed, and the last settings can still be read', async (t) => {
  const { gateway } = await pair(t);
  const before = gateway.config.snapshot();
  await gateway.shutdown();
  assert.throws(() => gateway.config.update({ sendTimeout: 5_000 }), { code: 'domus-closed' });
  assert.equal(gateway.config.snapshot(), before);
});

/** A connection that has said one byte, so that its permit is its own until its time is up. */
async function stranger(t: TestContext, domus: Domus) {
  const { hostname, port } = new URL(domus.address.replace('tcp:', 'http:'));
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(Uint8Array.of(0x16));
  // By then the domus, in this very process, has accepted it and read its byte.
  await turns(10);
  return { socket, closed };
}

test('[cfg-11] [a0-adm-1] over tcp: a new inboundHandshakeLimitTotal meets the next connection', async (t) => {
  const log: LogEntry[] = [];
  const domus = await new SocketImperium(t, 'tcp').open({
    config: { limitedLogInterval: 0 },
    log: (entry) => log.push(entry),
  });
  const events = eventsOf(domus);
  domus.config.update({ inboundHandshakeLimitTotal: 1 });
  const [first, second] = [await stranger(t, domus), await stranger(t, domus)];
  await second.closed;
  assert.deepEqual(
    log.map(({ id }) => id),
    [1001],
  );
  domus.config.update({ inboundHandshakeLimitTotal: 2 });
  const third = await stranger(t, domus);
  third.socket.destroy();
  await until(() => events.some(({ kind }) => kind === 'inbound-handshake-failed'), 'the end of the third');
  assert.deepEqual([log.length, first.socket.destroyed], [1, false]);
});

test('[cfg-11] [a0-adm-6] over tcp: a new tcpHandshakeTimeout is that of the next connection', async (t) => {
  const domus = await new SocketImperium(t, 'tcp').open();
  const events = eventsOf(domus);
  const before = await stranger(t, domus);
  domus.config.update({ tcpHandshakeTimeout: 20 });
  await (await stranger(t, domus)).closed;
  await until(() => events.some(({ kind }) => kind === 'inbound-handshake-failed'), 'the time limit');
  const failed = events.find((event) => event.kind === 'inbound-handshake-failed');
  assert.match(failed!.error.message, /tcp handshake timeout/);
  assert.equal(before.socket.destroyed, false);
});

test('[cfg-6] a live configuration tells of an update after it is in force, and of no refused one', () => {
  const config = new LiveConfig({}, 'unix');
  const told: number[] = [];
  config.onUpdate((current) => {
    assert.equal(config.current, current);
    told.push(current.sendTimeout);
  });
  assert.equal(config.update({ sendTimeout: 1_000 }).acceptTimeout, 1_000);
  assert.throws(() => config.update({ sendTimeout: -1 }));
  assert.equal(
    config.update({ sendTimeout: 20_000 }).acceptTimeout,
    5_000,
    'what was lowered to fit is a default again',
  );
  assert.deepEqual(told, [1_000, 20_000]);
  assert.throws(() => new LiveConfig({ sendTimeout: -1 }, 'tcp'), { code: 'invalid-config' });
});
