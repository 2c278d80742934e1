import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SaidErrors } from './said-errors.ts';

function lostWith(errors: SaidErrors, carrier: number, now: number): string[] {
  const again: string[] = [];
  errors.lost(carrier, now + 100, now, (id, errorId, text) => again.push(`${id} ${errorId} ${text}`));
  return again;
}

test('what a callis carried last is said again when it is lost, however long ago that was', () => {
  const errors = new SaidErrors();
  errors.written(1, 15, 'one', 7);
  errors.written(2, 15, 'two', 8);
  assert.deepEqual(lostWith(errors, 7, 1e9), ['1 15 one']);
  errors.written(1, 15, 'one', 8);
  assert.deepEqual(lostWith(errors, 7, 1e9), []);
  assert.deepEqual(lostWith(errors, 8, 1e9 + 50), ['1 15 one', '2 15 two']);
  errors.clear();
  assert.deepEqual(lostWith(errors, 8, 1e9 + 50), []);
});

test('it is said again for a while, counted from its first loss', () => {
  const errors = new SaidErrors();
  errors.written(1, 15, '', 7);
  assert.deepEqual(lostWith(errors, 7, 1000), ['1 15 ']);
  assert.deepEqual(lostWith(errors, 7, 1099), ['1 15 ']);
  assert.deepEqual(lostWith(errors, 7, 1100), []);
  assert.deepEqual(lostWith(errors, 7, 1000), [], 'forgotten');
});

test('another error under the same id counts anew, and no more than 256 are remembered', () => {
  const errors = new SaidErrors();
  errors.written(1, 15, '', 7);
  assert.deepEqual(lostWith(errors, 7, 0), ['1 15 ']);
  errors.written(1, 13, 'other', 7);
  assert.deepEqual(lostWith(errors, 7, 500), ['1 13 other']);
  for (let id = 10; id < 1000; id++) errors.written(id, 15, '', 9);
  const again = lostWith(errors, 9, 0);
  assert.deepEqual([again.length, again[0]], [256, '744 15 ']);
});
