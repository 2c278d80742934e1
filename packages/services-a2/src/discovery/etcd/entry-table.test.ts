import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPeer } from '../../../test/discovery/discovery-host.ts';
import { type Entry, EntryTable } from './entry-table.ts';
import { encodeValue, keyOf } from './etcd-value.ts';

function entry(port: number, revision: number, nodeId?: string): Entry {
  const peer = testPeer(`tcp://10.0.0.1:${port}`, { nodeId });
  return { key: keyOf('p/', peer), value: Buffer.from(encodeValue(peer)), revision: BigInt(revision) };
}

test('rubbish is counted once for each time that it is written, however often it is read', () => {
  const table = new EntryTable('p/');
  const bad: Entry = { key: 'p/bad', value: Buffer.from('x'), revision: 3n };
  table.replace([bad, entry(1, 2)], 5n);
  table.replace([bad, entry(1, 2)], 6n);
  assert.equal(table.rubbish, 1);
  table.put({ ...bad, revision: 7n });
  assert.deepEqual([table.rubbish, table.peers().length], [2, 1]);
});

test('of entries with one address the newest counts', () => {
  const table = new EntryTable('p/');
  table.replace([entry(1, 2, 'new'), entry(1, 9, 'newer'), entry(1, 4, 'old'), entry(2, 1, 'b')], 9n);
  const ids = () => table.peers().map(({ nodeId }) => nodeId);
  assert.deepEqual(ids(), ['newer', 'b']);
  assert.deepEqual(table.delete('p/newer', 10n), ['tcp://10.0.0.1:1']);
  assert.deepEqual(ids(), ['old', 'b']);
  assert.deepEqual(table.put({ ...entry(2, 11, 'old') }), ['tcp://10.0.0.1:1', 'tcp://10.0.0.1:2']);
  assert.deepEqual(ids(), ['new', 'old']);
  assert.deepEqual(table.put({ key: 'p/new', value: Buffer.from(''), revision: 12n }), ['tcp://10.0.0.1:1']);
  assert.deepEqual(ids(), ['old']);
});

test('an entry is missed once the table has come to its revision, not before', () => {
  const table = new EntryTable('p/');
  table.replace([], 5n);
  assert.equal(table.misses('p/own', 6n), false, 'it may be on its way');
  table.put(entry(1, 7));
  assert.equal(table.misses('p/own', 6n), true);
  table.put({ ...entry(2, 8), key: 'p/own' });
  assert.equal(table.misses('p/own', 8n), false);
  table.delete('p/own', 9n);
  assert.equal(table.misses('p/own', 8n), true);
});

test('it agrees with etcd about the number and the newest of its entries', () => {
  const table = new EntryTable('p/');
  table.replace([entry(1, 2), entry(2, 4)], 4n);
  assert.equal(table.agrees(2, 4n), true);
  assert.equal(table.agrees(1, 4n), false);
  assert.equal(table.agrees(2, 5n), false);
});

test('[invariant 1] it is bounded: what is beyond is rubbish, and neither missed nor disagreed about', () => {
  const table = new EntryTable('p/');
  const many = Array.from({ length: 10_002 }, (_, i) => entry(i + 1, i + 1));
  table.replace(many, 20_000n);
  assert.deepEqual([table.peers().length, table.rubbish], [10_000, 2]);
  assert.equal(table.misses(many.at(-1)!.key, 1n), false);
  assert.equal(table.agrees(10_002, 10_002n), true);
});
