import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ring } from './ring.ts';

test('a ring keeps the newest in their order, and counts what has given way', () => {
  const ring = new Ring<number>(3);
  assert.deepEqual([ring.slice(0, 9), ring.size, ring.dropped], [[], 0, 0]);
  ring.push(1);
  ring.push(2);
  assert.deepEqual([ring.slice(0, 9), ring.size, ring.dropped], [[1, 2], 2, 0]);
  for (let i = 3; i <= 8; i++) ring.push(i);
  assert.deepEqual([ring.slice(0, 9), ring.size, ring.dropped], [[6, 7, 8], 3, 5]);
});

test('a part of a ring is told by what to skip and how many to take', () => {
  const ring = new Ring<number>(4);
  for (let i = 1; i <= 6; i++) ring.push(i);
  assert.deepEqual([ring.slice(1, 2), ring.slice(3, 5), ring.slice(4, 1), ring.slice(0, 0)], [[4, 5], [6], [], []]);
});
