import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile, spreadOf } from './spread.ts';

test('the median of an odd and of an even number of values', () => {
  assert.deepEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 });
  assert.deepEqual(spreadOf([100, 9, 10, 20]), { median: 15, min: 9, max: 100 });
  assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 });
});

test('a percentile is the value at nearest rank', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 50), 50);
  assert.equal(percentile(hundred, 99), 99);
  assert.equal(percentile(hundred, 100), 100);
  assert.equal(percentile([5], 1), 5);
  assert.equal(percentile([1, 2, 3], 50), 2);
});

test('an empty sample has neither', () => {
  assert.throws(() => spreadOf([]), /empty sample/);
  assert.throws(() => percentile([], 50), /empty sample/);
});
