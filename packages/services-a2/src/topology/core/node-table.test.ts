import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeTable } from './node-table.ts';
import { compareRecords, type NodeRecord, type SignedRecord } from './record.ts';
import { resolveTopologySettings } from './settings.ts';

const settings = resolveTopologySettings({ tombstoneMs: 100_000 });

function signed(incarnation: number, validFromMs: number, stampHi: number, stampLo: number): SignedRecord {
  const record: NodeRecord = {
    nodeId: 'n',
    nodeType: null,
    address: 'tcp://h:1',
    incarnation,
    left: false,
    health: 'unknown',
    services: [],
    tabernae: [],
    metadata: {},
  };
  return { record, bytes: new Uint8Array(0), validFromMs, key: '0700000000000000', stampHi, stampLo };
}

/** Each counts rather than the one before it. */
const RISING = [signed(1, 9, 9, 9), signed(2, 1, 9, 9), signed(2, 2, 1, 9), signed(2, 2, 2, 1), signed(2, 2, 2, 2)];

test('[topo-rec-7] incarnation, then validity of the leaf, then the stamp decide, in whatever order records come', () => {
  for (const [index, one] of RISING.entries()) {
    for (const [place, other] of RISING.entries()) {
      assert.equal(Math.sign(compareRecords(one, other)), Math.sign(index - place));
    }
  }
  const table = new NodeTable(settings);
  for (const record of RISING) assert.notEqual(table.put(record, 0), undefined);
  for (const record of RISING) assert.equal(table.put(record, 0), undefined);
  const other = new NodeTable(settings);
  for (const index of [3, 0, 4, 1, 2]) other.put(RISING[index]!, 0);
  assert.equal(other.get('n')!.signed, RISING[4]);
  assert.deepEqual(other.digest, table.digest);
});

test('[topo-tomb-1] a tombstone leaves digest and listings at half its time, and goes at its end', () => {
  const table = new NodeTable(settings);
  const entry = table.put(RISING[0]!, 0)!;
  table.bury(entry, 'claimer', 1_000);
  const isListed = (): boolean => table.inBuckets([7]).get(7)!.length === 1 && table.digest.rootLo !== 0;
  assert.deepEqual(table.sweep(50_999), []);
  assert.equal(isListed(), true);
  assert.deepEqual(table.sweep(51_000), []);
  assert.equal(isListed(), false);
  assert.deepEqual(table.gone, [entry]);
  assert.deepEqual(table.sweep(101_000), [entry]);
  assert.equal(table.get('n'), undefined);
});

test('[topo-rec-11] a tombstone takes no address from the node that lives there, neither when it comes nor when it goes', () => {
  const table = new NodeTable(settings);
  const [held, old] = [RISING[1]!, RISING[0]!];
  const entry = table.put(held, 0);
  const other: SignedRecord = { ...old, key: '0800000000000000', record: { ...old.record, nodeId: 'other' } };
  assert.equal(table.rivalOf(held.record), undefined);
  assert.equal(table.rivalOf(other.record), entry);
  const tombstone = table.put(other, 1_000, 'claimer')!;
  assert.equal(table.liveAt('tcp://h:1'), entry);
  assert.deepEqual([table.live, table.gone], [[entry], [tombstone]]);
  assert.deepEqual(table.sweep(101_000), [tombstone]);
  assert.equal(table.liveAt('tcp://h:1'), entry);
});

test('[topo-tomb-1] of two ages the greater counts', () => {
  const table = new NodeTable(settings);
  const entry = table.put(RISING[0]!, 0)!;
  table.bury(entry, 'claimer', 1_000);
  table.predate(entry, 500);
  table.predate(entry, 800);
  assert.equal(entry.goneAt, 500);
});
