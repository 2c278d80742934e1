import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyHistogram } from './latency-histogram.ts';

/** The bound of the only bucket that a value falls into; undefined for the one above all bounds. */
function boundOf(ms: number): number | undefined {
  const histogram = new LatencyHistogram();
  histogram.record(ms);
  const { boundsMs, counts } = histogram.read();
  return boundsMs[counts.indexOf(1)];
}

test('[api-61] a value falls into the first bucket whose bound is not below it', () => {
  const { boundsMs } = new LatencyHistogram().read();
  assert.deepEqual([boundsMs[0], boundsMs.at(-1), boundsMs.length], [1, 262_144, 19]);
  for (const [i, bound] of boundsMs.entries()) {
    assert.equal(boundOf(bound), bound);
    assert.equal(boundOf(bound + 1), boundsMs[i + 1]);
  }
  assert.equal(boundOf(0), 1);
  assert.equal(boundOf(300_000), undefined, 'the longest sendTimeout is above all bounds');
  assert.equal(boundOf(2 ** 31 - 1), undefined);
});

test('[api-61] [api-59] a histogram has counts, their number and their sum, and is JSON-safe', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0, 0, 1, 3, 300_000]) histogram.record(ms);
  const read = histogram.read();
  assert.deepEqual([read.count, read.sumMs, read.counts.length], [5, 300_004, read.boundsMs.length + 1]);
  assert.deepEqual([read.counts[0], read.counts[2], read.counts.at(-1)], [3, 1, 1]);
  assert.deepEqual(JSON.parse(JSON.stringify(read)), read);
  histogram.record(1);
  assert.equal(read.count, 5, 'what was read does not change');
});
