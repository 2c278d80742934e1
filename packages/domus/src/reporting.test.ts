import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, eventsOf, failureOf, imperium, Numbers, Others, rest, Watched } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import { endpoint } from './endpoint.ts';
import type { DomusMetrics } from './metrics.ts';
import type { LogEntry } from './options.ts';
import type { DomusEvent } from './reporting.ts';

const kindsOf = (events: readonly DomusEvent[]): string[] => events.map(({ kind }) => kind);

/** All counters of a snapshot by their path; gauges, which may fall, left out. */
function countersOf(snapshot: DomusMetrics): Map<string, number> {
  const gauges = ['sends.retained', 'requests.undecided', 'queues.answers'];
  for (const group of ['peers', 'primaryCalles', 'blobCalles']) gauges.push(`${group}.current`);
  for (const queue of ['a2', 'a3', 'ingress']) gauges.push(`queues.${queue}.messages`, `queues.${queue}.bytes`);
  const counters = new Map<string, number>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'number') counters.set(path, value);
    else for (const [key, part] of Object.entries(value as object)) walk(part, path === '' ? key : `${path}.${key}`);
  };
  walk(snapshot, '');
  for (const gauge of gauges) assert.ok(counters.delete(gauge), `no ${gauge}`);
  return counters;
}

test('[api-54] [api-55] [api-61] [api-59] counters say what happened, never go back, and are JSON-safe', async (t) => {
  const bench = new Bench(t);
  const config = { sendTimeout: 5_000, reconnectBackoff: [10], tabernaAcceptQueueSize: 2 };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2, { config })];
  const Blocks = endpoint('blocks', bytes());
  await worker.serve(Blocks, (message, request) => void (message.length > 10 ? request.reject() : undefined));
  const deaf = await worker.taberna(Others);
  const snapshots: DomusMetrics[][] = [[gateway.reporting.snapshot(), worker.reporting.snapshot()]];
  const note = async (): Promise<void> => {
    await rest();
    snapshots.push([gateway.reporting.snapshot(), worker.reporting.snapshot()]);
  };
  const to = { to: worker.address };
  for (let i = 0; i < 5; i++) await gateway.send(Blocks, new Uint8Array(8), to);
  await note();
  await failureOf(gateway.send(Blocks, new Uint8Array(11), to));
  await failureOf(gateway.send(Numbers, 1, to));
  const sends = [1, 2, 3].map((message) => new Watched(gateway.send(Others, message, to)));
  await note();
  const [full, ingress] = snapshots.at(-1)!.map(({ queues }) => queues);
  assert.deepEqual([full!.a3.messages, full!.a3.bytes], [2, 2], 'two wait for their answers, a JSON digit each');
  assert.deepEqual(ingress!.ingress, { messages: 2, bytes: 2 });
  const held = await deaf.receive();
  bench.network.cut(gateway.address, worker.address);
  await bench.advance(100);
  await note();
  bench.network.heal();
  await bench.advance(100);
  held.accept();
  await note();
  await bench.advance(5_000);
  await note();
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['resolved', 'taberna-busy', 'taberna-busy'],
  );
  const [out, inn] = snapshots.at(-1)!;
  assert.equal(out!.a3.messagesOut, 12, '10 sends, and the two that the cut had on their way');
  assert.equal(inn!.a3.messagesIn, out!.a3.messagesOut);
  assert.equal(inn!.a3.bytesIn, out!.a3.bytesOut);
  assert.equal(out!.sends.accepted, 6);
  assert.deepEqual(out!.sends.failed, { 'remote-taberna-rejected': 1, 'unknown-taberna': 1, 'taberna-busy': 2 });
  assert.deepEqual([out!.acks.received, inn!.acks.sent], [6, 6]);
  assert.deepEqual([out!.replays, inn!.requests.duplicates, inn!.requests.refusedBusy], [2, 2, 1]);
  assert.equal(out!.primaryCalles.opened, 2);
  assert.deepEqual([out!.primaryCalles.closed, out!.primaryCalles.current, out!.peers.current], [1, 1, 1]);
  assert.ok(out!.dials.attempts > out!.dials.failures && out!.dials.failures > 0);
  assert.deepEqual([out!.sends.retained, inn!.requests.undecided], [0, 0]);
  const answered = { 'remote-taberna-rejected': 1, 'unknown-taberna': 1, 'taberna-busy': 2 };
  assert.deepEqual(
    [out!.rejections, inn!.rejections],
    [
      { sent: {}, received: answered },
      { sent: answered, received: {} },
    ],
  );
  assert.deepEqual([out!.sendLatency.count, inn!.sendLatency.count], [6, 0]);
  assert.equal(out!.sendLatency.sumMs, 100 + 100, 'five at once, and the one that was held while the clock moved');
  for (const side of [0, 1]) {
    for (const [i, pair] of snapshots.entries()) {
      const current = countersOf(pair[side]!);
      const before = countersOf(snapshots[Math.max(0, i - 1)]![side]!);
      for (const [path, value] of before) assert.ok((current.get(path) ?? 0) >= value, `${path} went back`);
      assert.deepEqual(JSON.parse(JSON.stringify(pair[side])), pair[side]);
    }
  }
});

test('[api-57] [api-59] a connection, its loss and its end are events, in their order', async (t) => {
  const bench = new Bench(t);
  const config = { reconnectBackoff: [10] };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2, { config })];
  const [near, far] = [eventsOf(gateway), eventsOf(worker)];
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1, { to: worker.address });
  assert.deepEqual(kindsOf(near.splice(0)), ['peer-connected', 'primary-callis-connected']);
  assert.deepEqual(kindsOf(far.splice(0)), ['peer-connected', 'primary-callis-connected']);
  bench.network.cut(gateway.address, worker.address);
  await bench.advance(25);
  bench.network.heal();
  await bench.advance(25);
  const seen = near.splice(0);
  assert.deepEqual(kindsOf(seen), [
    'primary-callis-disconnected',
    'peer-dial-failed',
    'peer-dial-failed',
    'peer-dial-failed',
    'peer-connected',
    'primary-callis-connected',
  ]);
  const [lost, failed] = seen;
  assert.deepEqual([lost!.kind === 'primary-callis-disconnected' && lost.reason], ['connection-lost']);
  assert.deepEqual(failed!.kind === 'peer-dial-failed' && [failed.peer, failed.callis, failed.error.kind], [
    worker.address,
    'primary',
    'peer-unavailable',
  ]);
  const back = seen[4];
  assert.equal(back?.kind === 'peer-connected' && back.freshSession, false);
  await gateway.shutdown();
  assert.deepEqual(
    kindsOf(near).filter((kind) => kind.startsWith('shutdown')),
    ['shutdown-started', 'shutdown-complete'],
  );
  assert.deepEqual(kindsOf(far.slice(-2)).sort(), ['peer-disconnected', 'primary-callis-disconnected']);
  for (const event of [...seen, ...near, ...far]) {
    assert.ok(Number.isSafeInteger(event.at));
    assert.deepEqual(JSON.parse(JSON.stringify(event)), event);
  }
});

test('[api-57] a restarted peer is told as such', async (t) => {
  const bench = new Bench(t);
  const [gateway, first] = [await bench.open(1), await bench.open(2)];
  await first.serve(Numbers, () => {});
  const events = eventsOf(gateway);
  await gateway.send(Numbers, 1, { to: first.address });
  await bench.crash(first, [gateway]);
  const second = await bench.open(2);
  await second.serve(Numbers, () => {});
  const sent = gateway.send(Numbers, 2, { to: second.address });
  await bench.advance(1_000);
  await sent;
  assert.ok(kindsOf(events).includes('peer-session-restarted'));
  assert.equal(gateway.reporting.snapshot().sessionRestarts, 1);
});

test('[api-57] [a1-lane-6] overruns and busy tabernae are events that name the lane, the peer and the taberna', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway', { config: { sendQueueSize: 2 } });
  const worker = await world.domus('worker', { config: { tabernaAcceptQueueSize: 1 } });
  const [near, far] = [eventsOf(gateway), eventsOf(worker)];
  await worker.taberna(Numbers);
  const sends = [1, 2, 3].map((message) => new Watched(gateway.send(Numbers, message)));
  await world.advance(0);
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['pending', 'taberna-busy', 'local-queue-full'],
  );
  const overrun = near.find(({ kind }) => kind === 'outbound-queue-overrun');
  const told = { kind: 'outbound-queue-overrun', peer: worker.address, tier: 'a3', limit: 2, msgType: 0x0100_0000 };
  assert.deepEqual({ ...overrun, at: 0 }, { ...told, at: 0 });
  const busy = far.find(({ kind }) => kind === 'backpressure-triggered');
  const taberna = { id: `0x${Numbers.id.toString(16).padStart(16, '0')}`, name: 'numbers' };
  assert.deepEqual({ ...busy, at: 0 }, { kind: 'backpressure-triggered', at: 0, peer: gateway.address, taberna });
  assert.deepEqual(gateway.reporting.snapshot().overruns, { total: 1, ack: 0, error: 0, a2: 0, a3: 1 });
});

test('[api-56] each feed has all events from its call on, in a buffer of its own', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  const [early, small] = [gateway.reporting.events(), gateway.reporting.events({ buffer: 1 })];
  await gateway.send(Numbers, 1);
  const late = gateway.reporting.events();
  await gateway.shutdown();
  const read = async (feed: AsyncIterable<DomusEvent>): Promise<string[]> => {
    const events: DomusEvent[] = [];
    for await (const event of feed) events.push(event);
    return kindsOf(events);
  };
  const all = await read(early);
  assert.deepEqual(all.slice(0, 3), ['peer-connected', 'primary-callis-connected', 'shutdown-started']);
  assert.equal(all.at(-1), 'shutdown-complete');
  assert.deepEqual(await read(late), all.slice(2));
  assert.deepEqual(await read(small), ['events-lost', 'shutdown-complete']);
  assert.deepEqual(await read(gateway.reporting.events()), [], 'a feed of a closed domus ends at once');
});

test('[api-56] buffers outside 1 to 65,536 are invalid-config; an aborted signal gives an ended feed', async (t) => {
  const domus = await imperium(t).domus('a');
  for (const buffer of [0, -1, 1.5, 65_537, Number.NaN, '5' as unknown as number]) {
    assert.throws(() => domus.reporting.events({ buffer }), { kind: 'invalid-config', detail: 'buffer' });
  }
  const ended = domus.reporting.events({ signal: AbortSignal.abort() });
  assert.deepEqual(await ended.next(), { done: true, value: undefined });
});

test('[api-58] no event and no error text carries a payload', async (t) => {
  const world = imperium(t);
  const config = { sendQueueSize: 1, maxPayloadLen: 64 };
  const [gateway, worker] = [await world.domus('gateway', { config }), await world.domus('worker', { config })];
  const [near, far] = [eventsOf(gateway), eventsOf(worker)];
  const secret = 'a secret of somebody';
  const Texts = endpoint('inbox', bytes());
  const texts: string[] = [];
  const fails = async (sent: Promise<void>): Promise<void> => void texts.push(String(await failureOf(sent)));
  const message = Buffer.from(secret);
  await fails(gateway.send(Texts, message));
  await fails(gateway.send(Texts, Buffer.alloc(65, secret)));
  await fails(gateway.send(Texts, secret as unknown as Uint8Array));
  const refusing = endpoint('inbox', {
    encode: () => ({ type: 0, payload: message }),
    decode: () => {
      throw new Error(secret);
    },
  });
  await worker.serve(refusing, () => {});
  await fails(gateway.send(Texts, message));
  const held = new Watched(gateway.send(Texts, message));
  await fails(gateway.send(Texts, message));
  await world.advance(0);
  assert.equal(held.kind, 'decode-failure');
  assert.ok(!JSON.stringify([near, far, texts]).includes(secret));
});

test('[api-10] [a1-log-2] the log is told of an overrun once per limitedLogInterval; nothing goes to the console', async (t) => {
  const bench = new Bench(t);
  const entries: LogEntry[] = [];
  const config = { sendQueueSize: 1, limitedLogInterval: 1_000 };
  const gateway = await bench.open(1, { config, log: (entry) => entries.push(entry) });
  const worker = await bench.open(2);
  await worker.serve(Numbers, () => new Promise(() => {}));
  const ways = ['log', 'info', 'debug', 'warn', 'error'] as const;
  const written = ways.map((way) => t.mock.method(console, way, () => {}));
  const overrun = async (): Promise<void> => {
    await failureOf(gateway.send(Numbers, 2, { to: worker.address }));
  };
  const stuck = new Watched(gateway.send(Numbers, 1, { to: worker.address }));
  for (let i = 0; i < 3; i++) await overrun();
  await bench.advance(1_000);
  await overrun();
  const told = entries.map(({ id, label, peer, suppressed }) => [id, label, peer, suppressed]);
  const lines = written.reduce((sum, { mock }) => sum + mock.callCount(), 0);
  const label = 'outbound-ready-queue-overrun';
  assert.deepEqual(told, [
    [1004, label, worker.address, 0],
    [1004, label, worker.address, 2],
  ]);
  assert.deepEqual([lines, stuck.kind], [0, 'pending']);
});
