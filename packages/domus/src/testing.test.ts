import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf, failureOf, imperium, Numbers, Others, Watched } from '../test/memory-bench.ts';
import { endpoint } from './endpoint.ts';
import { json } from './json.ts';
import { SimpleResolver } from './resolver.ts';
import { memoryImperium } from './testing.ts';

test('[api-50] domus find each other’s tabernae by themselves, and callers have the names that they were given', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway-1', { nodeType: 'gateway' });
  const worker = await world.domus('worker-1');
  const seen: unknown[] = [];
  await worker.serve(Numbers, (_, { from }) => void seen.push([from.nodeId, from.nodeType, from.address]));
  await gateway.send(Numbers, 1);
  assert.deepEqual(seen, [['gateway-1', 'gateway', gateway.address]]);
  assert.equal((await failureOf(gateway.send(Others, 1))).kind, 'unknown-taberna');
});

test('[api-50] a resolver that is given comes first', async (t) => {
  const world = imperium(t);
  const [first, second] = [await world.domus('first'), await world.domus('second')];
  const gateway = await world.domus('gateway', { resolver: new SimpleResolver([[Numbers, second.address]]) });
  const seen: string[] = [];
  for (const [name, domus] of Object.entries({ first, second })) {
    await domus.serve(Numbers, () => void seen.push(name));
  }
  await first.serve(Others, () => void seen.push('others'));
  await gateway.send(Numbers, 1);
  await gateway.send(Others, 1);
  assert.deepEqual(seen, ['second', 'others']);
});

test('[api-50] [api-26] a resolver that knows nothing leaves it to the imperium, at once or later', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  await worker.serve(Numbers, () => {});
  const answers = [undefined, null, Promise.resolve(undefined), Promise.resolve(null)] as undefined[];
  for (const [number, answer] of answers.entries()) {
    const gateway = await world.domus(`gateway-${number}`, { resolver: { resolve: () => answer } });
    await gateway.send(Numbers, number);
    assert.equal((await failureOf(gateway.send(Others, number))).kind, 'unknown-taberna');
  }
});

test('[api-50] time stands still until it is advanced', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => new Promise(() => {}));
  const sent = new Watched(gateway.send(Numbers, 1));
  for (let i = 0; i < 3; i++) await world.advance(9_999);
  assert.equal(sent.kind, 'pending');
  await world.advance(3);
  assert.equal(sent.kind, 'send-timeout');
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(world.advance(ms), { kind: 'invalid-config', detail: 'ms' });
  }
});

test('[api-50] [a1-loss-1] [a1-call-5] cut and heal: what was under way is replayed, and seen once', async (t) => {
  const world = imperium(t);
  const [gateway, worker, other] = [await world.domus('g'), await world.domus('w'), await world.domus('o')];
  const seen: number[] = [];
  const decide: (() => void)[] = [];
  await worker.serve(Numbers, (message) => {
    seen.push(message);
    return new Promise<void>((resolve) => decide.push(resolve));
  });
  await other.serve(Others, () => {});
  const before = new Watched(gateway.send(Numbers, 1));
  await world.advance(0);
  world.cut(gateway, worker);
  const during = new Watched(gateway.send(Numbers, 2));
  await world.advance(3_500);
  await gateway.send(Others, 5);
  assert.deepEqual([before.kind, during.kind, seen], ['pending', 'pending', [1]]);
  decide[0]!();
  world.heal();
  await world.advance(4_000);
  assert.deepEqual([before.kind, during.kind, seen], ['resolved', 'pending', [1, 2]]);
  decide[1]!();
  await world.advance(0);
  assert.equal(during.kind, 'resolved');
});

test('[a1-send-8] what is sent while a peer cannot be had ends at the deadline, with the dial’s error as cause', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  world.cut(gateway, worker);
  const sent = failureOf(gateway.send(Numbers, 1));
  await world.advance(30_000);
  const error = await sent;
  assert.deepEqual([error.kind, error.delivery, error.retryable], ['send-timeout', 'not-sent', true]);
  assert.match(String(error.cause), /peer-unavailable: connection to tcp:\/\/127\.0\.0\.1:2 was refused/);
});

test('[a1-loss-5] [a1-loss-6] after sendTimeout without a connection the peer is given up with all its work', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(gateway);
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
  world.cut(gateway, worker);
  await world.advance(10_000);
  const sent = new Watched(gateway.send(Numbers, 2));
  await world.advance(20_000);
  assert.equal(sent.kind, 'peer-unavailable');
  const end = events.find(({ kind }) => kind === 'peer-disconnected');
  assert.equal(end?.kind === 'peer-disconnected' && end.reason, 'unreachable');
  world.heal();
  await gateway.send(Numbers, 3);
});

test('[api-50] advance returns when long chains of messages have come to rest', async (t) => {
  const world = imperium(t);
  const hops = Array.from({ length: 12 }, (_, i) => endpoint(`hop-${i}`, json<number>()));
  let arrived = 0;
  for (const [i, hop] of hops.entries()) {
    const domus = await world.domus(`domus-${i}`);
    const next = hops[i + 1];
    await domus.serve(hop, async (message) => {
      if (next === undefined) arrived++;
      else await domus.send(next, message);
    });
  }
  const start = await world.domus('start');
  const sent = new Watched(start.send(hops[0]!, 1));
  await world.advance(0);
  assert.deepEqual([arrived, sent.kind], [1, 'resolved']);
});

test('[api-50] the same seed gives the same ids; a seed is a u32', async () => {
  const idOf = async (seed: number): Promise<number | undefined> => {
    await using world = memoryImperium({ seed });
    const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
    await worker.serve(Numbers, () => {});
    await gateway.send(Numbers, 1);
    return gateway.delivery.core.peers.get(worker.address)?.retained.nextId;
  };
  const [first, again, other] = [await idOf(1), await idOf(1), await idOf(2)];
  assert.ok(first !== undefined && first >= 2 ** 31);
  assert.equal(first, again);
  assert.notEqual(first, other);
  for (const seed of [-1, 1.5, 2 ** 32, Number.NaN]) assert.throws(() => memoryImperium({ seed }), { detail: 'seed' });
});

test('[api-50] [api-43] close ends every domus, whatever is under way, and without anybody advancing the clock', async () => {
  const world = memoryImperium();
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => new Promise(() => {}));
  await gateway.taberna(Others);
  const sends = [gateway.send(Numbers, 1), worker.send(Others, 2)].map((sent) => new Watched(sent));
  await world.advance(0);
  await world.close();
  await world.close();
  assert.deepEqual(
    sends.map(({ settled }) => settled),
    [1, 1],
  );
  assert.equal((await failureOf(gateway.send(Numbers, 1))).kind, 'domus-closed');
});

test('settle lets so much time pass as a promise needs, and gives its outcome', async () => {
  const world = memoryImperium();
  const [a, b] = [await world.domus('a'), await world.domus('b')];
  const Nobody = endpoint('nobody-here', json<number>());
  await assert.rejects(world.settle(a.send(Nobody, 1, { to: b.address })), { kind: 'unknown-taberna' });
  world.cut(a, b);
  await assert.rejects(world.settle(a.send(Nobody, 1, { to: b.address })), { kind: 'send-timeout' });
  assert.equal(await world.settle(Promise.resolve(7)), 7);
  await world.close();
});
