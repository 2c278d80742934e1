import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFigures } from './figure.ts';

test('a figure is shown as the median of the runs, with its ends, and held against its goal', () => {
  const runs = [3, 1, 20].map((value) => [
    { name: 'failed', value, goal: 2 },
    { name: 'slow', value: value / 3 },
  ]);
  const table = formatFigures('loss', runs);
  assert.match(table, /\| loss: failed \| +3 \(1–20\) \| +≤ 2 \| +MISSED \|/);
  assert.match(table, /\| loss: slow +\| +1 \(0\.33–6\.67\) \| +\| +\|/);
});

test('a figure that one run alone has counts for that one', () => {
  const table = formatFigures('loss', [[{ name: 'odd', value: 4, goal: 4 }], []]);
  assert.match(table, /\| loss: odd \| +4 \(4–4\) \| +≤ 4 \| +met \|/);
});
