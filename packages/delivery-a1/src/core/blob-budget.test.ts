import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobBudget } from './blob-budget.ts';

test('[a1-blim-2] a reservation is given back once', () => {
  const budget = new BlobBudget();
  const [first, second] = [budget.reserve(60, 100)!, budget.reserve(40, 100)!];
  assert.equal(budget.reserved, 100);
  first.release();
  first.release();
  assert.equal(budget.reserved, 40);
  second.release();
  assert.equal(budget.reserved, 0);
});

test('[a1-blob-4] over the cap nothing is reserved, and a cap that shrinks takes nothing away', () => {
  const budget = new BlobBudget();
  const kept = budget.reserve(60, 100);
  assert.equal(budget.reserve(41, 100), undefined);
  assert.equal(budget.reserve(1, 50), undefined);
  assert.equal(budget.reserved, 60);
  kept!.release();
  assert.ok(budget.reserve(50, 50) !== undefined);
});
