/** The simulator on a fixed budget of seeds, the seeds that once failed, and its determinism. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../src/sim/simulation.ts';

const EVENTS = 5000;
const BUDGET_SEEDS = 800;

/** Seeds that once broke a rule, with what they found; they run for good. */
const REGRESSIONS: readonly (readonly [seed: number, found: string])[] = [
  [850, 'RECONNECT of a restarted peer was taken for the old session'],
  [2598, 'an answer that waited without a callis set no alarm for the dial'],
  [15105, 'a fresh primary, whose answer was lost, was taken for a session that the peer holds'],
  [13666, 'a plain hello of a peer that had a primary already made the other side clean up alone'],
];

test('[a1-inv-1] [a1-inv-2] [a1-inv-3] [a1-inv-4] [a1-inv-5] [a1-inv-6] no seed of the budget breaks a rule', () => {
  for (let seed = 1; seed <= BUDGET_SEEDS; seed++) {
    const { failure } = simulate(seed, { events: EVENTS });
    assert.equal(failure, undefined, `seed ${seed} (npm run sim -- --seed ${seed}): ${failure?.message}`);
  }
});

for (const [seed, found] of REGRESSIONS) {
  test(`seed ${seed} stays whole: ${found}`, () => {
    assert.equal(simulate(seed, { events: EVENTS }).failure, undefined);
  });
}

test('the same seed gives the same trace, watched or not; another seed another', () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 10; seed++) {
    const lines: string[] = [];
    const first = simulate(seed, { events: EVENTS });
    const second = simulate(seed, { events: EVENTS, print: (line) => lines.push(line) });
    assert.deepEqual(second, first);
    assert.ok(lines.length > 50);
    hashes.add(first.hash);
  }
  assert.equal(hashes.size, 10);
});
