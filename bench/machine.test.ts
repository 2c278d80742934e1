import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoreList } from './machine.ts';

test('core lists as Linux writes them', () => {
  assert.deepEqual(parseCoreList('0-1\n'), [0, 1]);
  assert.deepEqual(parseCoreList('3'), [3]);
  assert.deepEqual(parseCoreList('0-2,8,10-11'), [0, 1, 2, 8, 10, 11]);
  assert.deepEqual(parseCoreList(''), []);
});
