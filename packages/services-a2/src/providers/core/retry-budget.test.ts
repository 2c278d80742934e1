import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import fc from 'fast-check';
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts';

const taken = (budget: RetryBudget, now: number): number => {
  let count = 0;
  while (budget.take(now)) count++;
  return count;
};

test('one retry for five calls, and ten a second beside them', () => {
  const budget = new RetryBudget({}, 0);
  assert.equal(taken(budget, 0), 10);
  for (let i = 0; i < 4; i++) budget.called();
  assert.equal(taken(budget, 0), 0);
  budget.called();
  assert.equal(taken(budget, 0), 1);
  assert.equal(taken(budget, 500), 5);
  assert.equal(taken(budget, 60_000), 10, 'seconds without retries are not saved up');
});

test('what calls have saved is bounded', () => {
  const budget = new RetryBudget({ minPerSecond: 0, maxSaved: 7 }, 0);
  for (let i = 0; i < 1_000_000; i++) budget.called();
  assert.equal(taken(budget, 1_000_000), 7);
});

test('under any course, no more retries than the ratio of calls and the minimum of the time allow', () => {
  const step = fc.oneof(fc.constant('call'), fc.constant('take'), fc.nat(3_000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 2 }, 0);
      let [calls, retries, now] = [0, 0, 0];
      for (const kind of steps) {
        if (kind === 'call') {
          calls++;
          budget.called();
        } else if (kind === 'take') retries += budget.take(now) ? 1 : 0;
        else now += Number(kind);
        assert.ok(retries <= calls * 0.2 + 2 + (now / 1_000) * 2 + 1e-9);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('a clock that stands or an option out of range does no harm', () => {
  const budget = new RetryBudget({ minPerSecond: 1 }, 1_000);
  assert.deepEqual([budget.take(500), budget.take(500)], [true, false]);
  const wrong = [{ ratio: -1 }, { ratio: Number.NaN }, { minPerSecond: -1 }, { maxSaved: 0 }, { ratio: '1' }];
  for (const given of wrong) {
    assert.throws(
      () => new RetryBudget(given as RetryBudgetOptions, 0),
      (error) => DomusError.is(error) && error.kind === 'invalid-config',
    );
  }
});
