/** The invariants of a1-delivery where an application can see them, and settings that take time to show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';
import { Bench, eventsOf, failureOf, imperium, Numbers, Others, Watched } from './memory-bench.ts';

test('[a1-inv-1] [a1-inv-2] [a1-inv-3] in a storm of sends, cuts and all decisions each send settles once, acks mean accepts, nothing is seen twice', async (t) => {
  const bench = new Bench(t);
  const config = { sendTimeout: 10_000, sendQueueSize: 512, reconnectBackoff: [100] };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2, { config })];
  const seen = new Map<number, number>();
  const accepted = new Set<number>();
  await worker.serve(Numbers, async (message, request) => {
    seen.set(message, (seen.get(message) ?? 0) + 1);
    if (message % 7 === 0) return void request.reject();
    if (message % 5 === 0) throw new Error('handler');
    if (message % 11 === 0) await new Promise(() => {});
    if (request.accept()) accepted.add(message);
  });
  const sends: Watched[] = [];
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 40; i++) {
      sends.push(new Watched(gateway.send(Numbers, sends.length, { to: worker.address })));
    }
    await bench.advance(round % 2 === 0 ? 0 : 150);
    bench.network.cut(gateway.address, worker.address);
    await bench.advance(50);
    bench.network.heal();
  }
  await bench.advance(10_001);
  for (const [number, send] of sends.entries()) {
    assert.equal(send.settled, 1, `send ${number}`);
    if (send.kind === 'resolved') assert.ok(accepted.has(number));
    const expected = number % 7 === 0 || number % 5 === 0 ? 'remote-taberna-rejected' : 'resolved';
    assert.equal(send.kind, number % 7 !== 0 && number % 5 !== 0 && number % 11 === 0 ? 'send-timeout' : expected);
  }
  assert.deepEqual([...new Set(seen.values())], [1]);
  assert.ok(gateway.reporting.snapshot().replays > 0, 'the cuts have hit messages under way');
});

test('[a1-in-14] [a1-inv-7] a stalled taberna delays neither its neighbour nor another peer', async (t) => {
  const world = imperium(t);
  const config = { sendQueueSize: 4 };
  const gateway = await world.domus('gateway', { config });
  const [stalled, lively] = [await world.domus('stalled'), await world.domus('lively')];
  await stalled.serve(Numbers, () => new Promise(() => {}));
  await stalled.serve(Others, () => {});
  await lively.serve(endpoint('lively', json<number>()), () => {});
  const stuck = [1, 2, 3].map((message) => new Watched(gateway.send(Numbers, message)));
  for (let i = 0; i < 20; i++) await gateway.send(Others, i);
  for (let i = 0; i < 20; i++) await gateway.send(endpoint('lively', json<number>()), i);
  assert.deepEqual(
    stuck.map(({ kind }) => kind),
    ['pending', 'pending', 'pending'],
  );
});

test('[a1-inv-6] many more sends than lanes hold leave no more than the lanes behind', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [
    await world.domus('gateway', { config: { sendQueueSize: 16, sendQueueBytes: 1_000 } }),
    await world.domus('worker', { config: { tabernaAcceptQueueSize: 4 } }),
  ];
  const events = eventsOf(gateway);
  await worker.taberna(Numbers);
  const sends = Array.from({ length: 500 }, (_, i) => new Watched(gateway.send(Numbers, i)));
  await world.advance(0);
  assert.equal(sends.filter(({ kind }) => kind === 'local-queue-full').length, 484);
  assert.equal(sends.filter(({ kind }) => kind === 'taberna-busy').length, 12);
  assert.equal(gateway.reporting.snapshot().sends.retained, 4);
  assert.equal(events.filter(({ kind }) => kind === 'outbound-queue-overrun').length, 484);
  await world.advance(30_000);
  assert.equal(gateway.reporting.snapshot().sends.retained, 0);
});

test('[cfg-7] [a1-keep-1] keepalives are written when nothing else is, and none with an interval of 0', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker', { config: { keepaliveInterval: 0 } });
  const gateway = await world.domus('gateway', { config: { keepaliveInterval: 10_000 } });
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
  await world.advance(60_000);
  assert.equal(gateway.reporting.snapshot().keepalives.sent, 6);
  assert.equal(worker.reporting.snapshot().keepalives.sent, 0);
  assert.equal(gateway.reporting.snapshot().primaryCalles.current, 1);
});

test('[cfg-8] [a1-loss-3] an empty reconnectBackoff dials at once, then every 4 s; others follow their list', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const always = await world.domus('always', { config: { reconnectBackoff: [] } });
  const listed = await world.domus('listed', { config: { reconnectBackoff: [1_000, 3_000] } });
  await worker.serve(Numbers, () => {});
  for (const domus of [always, listed]) {
    await domus.send(Numbers, 1);
    world.cut(domus, worker);
  }
  const attempts = (): number[] => [always, listed].map((domus) => domus.reporting.snapshot().dials.attempts - 1);
  const seen: number[][] = [];
  for (const ms of [0, 999, 1, 2_999, 1, 3_000, 1_000, 2_000]) {
    await world.advance(ms);
    seen.push(attempts());
  }
  assert.deepEqual(seen, [
    [1, 1],
    [1, 1],
    [1, 2],
    [1, 2],
    [2, 3],
    [2, 4],
    [3, 4],
    [3, 5],
  ]);
});

test('[api-14] no bigint in what a domus tells: errors, callers, settings, snapshots, events', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(worker);
  const byNumber = endpoint(2n ** 63n, json<number>());
  const callers: unknown[] = [];
  await worker.serve(byNumber, (_, request) => {
    callers.push(request.from);
    throw new Error('no');
  });
  const error = await failureOf(gateway.send(byNumber, 1));
  await world.advance(0);
  assert.equal(error.endpoint, '0x8000000000000000');
  const told = { ...error, events, callers, config: gateway.config.snapshot(), snapshot: worker.reporting.snapshot() };
  assert.match(JSON.stringify(told), /"taberna":{"id":"0x8000000000000000"}/);
});
