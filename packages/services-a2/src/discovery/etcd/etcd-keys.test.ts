import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRIES_MAX, EntryTable } from './entry-table.ts';
import type { EtcdGateway, JsonObject } from './etcd-gateway.ts';
import { rangePrefix } from './etcd-keys.ts';

/** An etcd that answers each range as the test says. */
function gatewayOf(answer: (body: JsonObject) => JsonObject): EtcdGateway {
  return { call: async (_path: string, body: JsonObject) => answer(body) } as unknown as EtcdGateway;
}

const kv = (key: string, revision: number) => ({
  key: Buffer.from(key, 'latin1').toString('base64'),
  value: 'eA==',
  mod_revision: String(revision),
});
const { signal } = new AbortController();

test('keys that are no UTF-8 are told apart, and the table of them agrees with etcd', async () => {
  const gateway = gatewayOf(() => ({ header: { revision: '9' }, kvs: [kv('p/\xfe', 3), kv('p/\xff', 2)] }));
  const { entries, revision } = await rangePrefix(gateway, 'p/', signal);
  const table = new EntryTable('p/');
  table.replace(entries, revision);
  assert.equal(table.agrees(2, 3n), true);
});

test('a range that does not end is left once the table is full', async () => {
  let pages = 0;
  const page = Array.from({ length: 500 }, (_, i) => kv(`p/${i}`, 1));
  const gateway = gatewayOf(() => {
    if (++pages > 100) throw new Error('asked for ever');
    return { header: { revision: '9' }, kvs: page, more: true };
  });
  const { entries } = await rangePrefix(gateway, 'p/', signal);
  assert.deepEqual([entries.length > ENTRIES_MAX, pages], [true, 21]);
});
