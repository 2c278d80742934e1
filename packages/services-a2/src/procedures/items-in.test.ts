import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ItemsIn, type ItemsInHost } from './items-in.ts';
import { ProcedureError } from './procedure-error.ts';

const WINDOW = 256 * 1024;

/** Counts the credit that is given back. */
class Host implements ItemsInHost {
  credited = 0;

  giveCredit(bytes: number): void {
    this.credited += bytes;
  }

  left(): void {}

  misfit(): ProcedureError {
    return new ProcedureError('internal', 'a misfit');
  }
}

test('a window of tiny messages is kept as a few batches, and comes out item by item, with its credit', async () => {
  const host = new Host();
  const items = new ItemsIn(host, (item) => item, WINDOW, WINDOW);
  const kept = (items as unknown as { readonly queue: readonly unknown[] }).queue;
  const count = WINDOW / 2;
  for (let i = 0; i < count; i++) assert.equal(items.arrived(i, [i], 2), undefined);
  assert.ok(kept.length <= 64, `${kept.length} batches`);
  assert.match(`${items.arrived(count, [count], 2)}`, /more items than there was credit for/);
  for (let i = 0; i < count; i++) assert.deepEqual(await items.next(), { value: i, done: false });
  assert.equal(host.credited, WINDOW);
  assert.equal(kept.length, 0);
});

test('a small window is not held back until all of it was read', async () => {
  const host = new Host();
  const items = new ItemsIn(host, (item) => item, 1024, 1024);
  for (let i = 0; i < 512; i++) assert.equal(items.arrived(i, [i], 2), undefined);
  for (let i = 0; i < 288; i++) await items.next();
  assert.ok(host.credited >= 512, `${host.credited} bytes were given back`);
});
