import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tally } from './tally.ts';

test('a tally counts, and times nothing where many messages are under way', () => {
  const tally = new Tally(false);
  tally.add(3);
  tally.add(4);
  assert.equal(tally.acked, 7);
  assert.equal(tally.latency(), undefined);
});

test('a sequential tally has a latency from its first answer on, and forgets it at a restart', () => {
  const tally = new Tally(true);
  assert.equal(tally.latency(), undefined);
  tally.restartLaps();
  for (let answer = 0; answer < 100; answer++) tally.add(1);
  const latency = tally.latency();
  assert.ok(latency !== undefined && latency.p50 >= 0 && latency.p99 >= latency.p50);
  tally.restartLaps();
  assert.equal(tally.latency(), undefined);
  assert.equal(tally.acked, 100);
});
