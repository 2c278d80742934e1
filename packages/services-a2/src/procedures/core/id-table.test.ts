import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Identified, IdTable } from './id-table.ts';

test('entries are found by their ids as long as they are in', () => {
  const table = new IdTable<Identified>();
  const entries = Array.from({ length: 5_000 }, (_, index) => ({ id: 2 ** 31 - 2_500 + index }));
  for (const entry of entries) table.add(entry);
  assert.deepEqual([table.size, table.values().length], [5_000, 5_000]);
  for (const entry of entries) assert.equal(table.get(entry.id), entry);
  for (const entry of entries) assert.equal(table.delete(entry), true);
  assert.deepEqual([table.size, table.values(), table.get(entries[0]!.id)], [0, [], undefined]);
});

test('another entry of the same id is none that is in', () => {
  const table = new IdTable<Identified>();
  const entry = { id: 7 };
  table.add(entry);
  assert.equal(table.delete({ id: 7 }), false);
  assert.equal(table.get(7), entry);
});

test('ids whose last bits are alike are kept apart, and the place of one is free for no other', () => {
  const table = new IdTable<Identified>();
  const entries = Array.from({ length: 100 }, (_, index) => ({ id: 5 + index * 2 ** 32 }));
  for (const entry of entries) table.add(entry);
  for (const entry of entries) {
    assert.equal(table.get(entry.id), entry);
    assert.equal(table.isFree(entry.id), false);
  }
  assert.deepEqual([table.isFree(5 + 200 * 2 ** 32), table.isFree(6)], [false, true]);
  assert.equal(table.size, 100);
});

test('any course of entries that come and go is that of a Map', () => {
  const ids = fc.oneof(
    fc.nat(40),
    fc.nat(4).map((high) => high * 2 ** 32 + 3),
    fc.maxSafeNat(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), ids), { maxLength: 300 }), (course) => {
      const table = new IdTable<Identified>();
      const model = new Map<number, Identified>();
      for (const [isAdding, id] of course) {
        const known = model.get(id);
        if (isAdding && known === undefined) {
          const entry = { id };
          table.add(entry);
          model.set(id, entry);
        } else if (!isAdding && known !== undefined) {
          assert.ok(table.delete(known));
          model.delete(id);
        }
        assert.equal(table.get(id), model.get(id));
        assert.equal(table.size, model.size);
        if (model.has(id)) assert.equal(table.isFree(id), false);
      }
      assert.deepEqual(new Set(table.values()), new Set(model.values()));
    }),
  );
});
