import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromiseRing } from './promise-ring.ts';

test('every open promise has a slot, across the wrap of the ids', async () => {
  const depth = 3;
  const ring = new PromiseRing(depth);
  const settled: number[] = [];
  const ids = [0xffff_fffe, 0xffff_ffff, 0];
  const open = ids.map(async (id) => {
    await ring.create(id);
    settled.push(id);
  });
  for (const id of ids) ring.settle(id);
  await Promise.all(open);
  assert.deepEqual(settled, ids);
});

test('an answer to what is not open is refused', () => {
  const ring = new PromiseRing(1);
  assert.throws(() => ring.settle(0), /message 0, which is not open/);
  void ring.create(0);
  ring.settle(0);
  assert.throws(() => ring.settle(0), /not open/);
});
