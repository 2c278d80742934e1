import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ItemsIn } from './items-in.ts';
import { ProcedureError } from './procedure-error.ts';

const WINDOW = 256 * 1024;

test('a window of tiny messages is kept as a few batches, and comes out item by item, with its credit', async () => {
  let credited = 0;
  const host = {
    giveCredit: (bytes: number) => {
      credited += bytes;
    },
    left: () => {},
    misfit: () => new ProcedureError('internal', 'a misfit'),
  };
  const items = new ItemsIn(host, (item) => item, WINDOW, WINDOW);
  const kept = (items as unknown as { readonly queue: readonly unknown[] }).queue;
  const count = WINDOW / 2;
  for (let i = 0; i < count; i++) assert.equal(items.arrived(i, [i], 2), undefined);
  assert.ok(kept.length <= 64, `${kept.length} batches`);
  assert.match(`${items.arrived(count, [count], 2)}`, /more items than there was credit for/);
  for (let i = 0; i < count; i++) assert.deepEqual(await items.next(), { value: i, done: false });
  assert.equal(credited, WINDOW);
  assert.equal(kept.length, 0);
});

test('a small window is not held back until all of it was read', async () => {
  let credited = 0;
  const host = {
    giveCredit: (bytes: number) => {
      credited += bytes;
    },
    left: () => {},
    misfit: () => new ProcedureError('internal', 'a misfit'),
  };
  const items = new ItemsIn(host, (item) => item, 1024, 1024);
  for (let i = 0; i < 512; i++) assert.equal(items.arrived(i, [i], 2), undefined);
  for (let i = 0; i < 288; i++) await items.next();
  assert.ok(credited >= 512, `${credited} bytes were given back`);
});
