import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdTable } from './id-table.ts';

test('behaves as a Map of u32 to int under any order of set, delete and get', () => {
  const id = fc.oneof(fc.nat(40), fc.nat(0xffff_ffff), fc.constantFrom(0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
  const step = fc.tuple(fc.constantFrom('set', 'delete', 'get'), id, fc.nat(0x7fff_ffff));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new IdTable(0x1234_5678);
      const model = new Map<number, number>();
      for (const [verb, key, value] of steps) {
        if (verb === 'set') {
          table.set(key, value);
          model.set(key, value);
        } else if (verb === 'delete') {
          assert.equal(table.delete(key), model.get(key) ?? -1);
          model.delete(key);
        } else {
          assert.equal(table.get(key), model.get(key) ?? -1);
        }
        assert.equal(table.size, model.size);
      }
      for (const [key, value] of model) assert.equal(table.get(key), value);
    }),
    { seed: 2, numRuns: 500 },
  );
});

test('a moving window of sequential ids, as the inbox keeps it, across the wrap of u32', () => {
  const table = new IdTable(0x1234_5678);
  const window = 8448;
  let id = 0xffff_ffff - 20_000;
  const ids: number[] = [];
  for (let i = 0; i < 60_000; i++) {
    table.set(id, i);
    ids.push(id);
    if (ids.length > window) assert.equal(table.delete(ids[ids.length - window - 1]!), i - window);
    id = (id + 1) >>> 0;
  }
  assert.equal(table.size, window);
});

test('ids that all fall on one cell are kept, found and removed like others', () => {
  const table = new IdTable(0x1234_5678);
  const ids = Array.from({ length: 5_000 }, (_, i) => (i * 0x10_0000) >>> 0).filter(
    (id, i, all) => all.indexOf(id) === i,
  );
  for (const [i, id] of ids.entries()) table.set(id, i);
  for (const [i, id] of ids.entries()) assert.equal(table.get(id), i);
  for (const [i, id] of ids.entries()) assert.equal(table.delete(id), i);
  assert.equal(table.size, 0);
});

test('clear forgets everything', () => {
  const table = new IdTable(0x1234_5678);
  for (let id = 0; id < 100; id++) table.set(id, id);
  table.clear();
  assert.equal(table.size, 0);
  assert.equal(table.get(5), -1);
});
