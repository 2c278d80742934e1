import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, gate, imperium, Numbers, Others } from '../test/memory-bench.ts';
import type { DomusMetrics } from './metrics.ts';
import { metricsDelta } from './metrics-delta.ts';

/** A counter of everything that is a number in a snapshot, with the sums that a delta must keep. */
function sumOf(metrics: DomusMetrics): number[] {
  const { a3, acks, sends, primaryCalles, dials, sendLatency, rejections } = metrics;
  const ofKinds = (counts: object): number => Object.values(counts).reduce((sum: number, n: number) => sum + n, 0);
  return [
    ...[a3.messagesOut, a3.bytesOut, acks.received, sends.accepted, ofKinds(sends.failed), primaryCalles.opened],
    ...[dials.attempts, sendLatency.count, sendLatency.sumMs, ofKinds(rejections.received), ...sendLatency.counts],
  ];
}

test('[api-60] deltas of two pollers at their own times both add up to the counters', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, (n, request) => void (n > 2 && request.reject()));
  const start = gateway.reporting.snapshot();
  const pollers = [1, 2].map(() => ({ last: start, sums: sumOf(metricsDelta(start, start)) }));
  for (let i = 1; i <= 6; i++) {
    await gateway.send(Numbers, 1);
    if (i % 2 === 0) await failureOf(gateway.send(Numbers, 3));
    for (const [every, poller] of pollers.entries()) {
      if (i % (every + 1) !== 0) continue;
      const current = gateway.reporting.snapshot();
      const delta = sumOf(metricsDelta(poller.last, current));
      poller.sums = poller.sums.map((sum, n) => sum + delta[n]!);
      poller.last = current;
    }
  }
  const end = sumOf(gateway.reporting.snapshot());
  assert.equal(end[3], 6);
  assert.deepEqual(
    pollers.map(({ sums }) => sums),
    [end, end],
  );
});

test('[api-60] [api-59] a delta has what was gained, the state of the later snapshot, and is JSON-safe', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, (_, request) => request.reject());
  const held = gate();
  await worker.serve(Others, () => held.passed);
  await failureOf(gateway.send(Numbers, 1));
  const previous = gateway.reporting.snapshot();
  const sent = gateway.send(Others, 22);
  await world.advance(5);
  const current = gateway.reporting.snapshot();
  const delta = metricsDelta(previous, current);
  assert.deepEqual([delta.a3.messagesOut, delta.a3.bytesOut, delta.sends.retained], [1, 2, 1]);
  assert.deepEqual([delta.sends.failed, delta.rejections.received], [{}, {}], 'no kind that has not occurred');
  assert.deepEqual(delta.primaryCalles, { current: 1, peak: 1, opened: 0, closed: 0 });
  assert.deepEqual([delta.peers, delta.queues], [current.peers, current.queues]);
  assert.deepEqual(delta.sendLatency.boundsMs, current.sendLatency.boundsMs);
  assert.equal(delta.intervalMs, current.lastSnapshotAt - previous.lastSnapshotAt);
  assert.deepEqual(JSON.parse(JSON.stringify(delta)), delta);
  const { intervalMs: _, ...rest } = delta;
  assert.deepEqual(Object.keys(rest), Object.keys(current), 'a delta has the shape of a snapshot');
  held.open();
  await sent;
});

test('[api-60] a previous snapshot of an earlier domus counts as none', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
  const current = gateway.reporting.snapshot();
  const earlier: DomusMetrics = { ...current, createdAt: current.createdAt - 1, replays: 99 };
  const { intervalMs, ...delta } = metricsDelta(earlier, current);
  assert.deepEqual([delta, intervalMs], [current, current.lastSnapshotAt - current.createdAt]);
});
