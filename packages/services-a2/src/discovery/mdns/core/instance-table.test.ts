import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsRecord } from './dns-record.ts';
import { InstanceTable, TABLE_LIMITS } from './instance-table.ts';

const SERVICE = '_a._tcp.local';
const pointer = (name: string, ttl = 100): DnsRecord => ({
  name: SERVICE,
  type: 'PTR',
  ttl,
  data: `${name}.${SERVICE}`,
});
const srv = (name: string, target: string, ttl = 100): DnsRecord => {
  return { name: `${name}.${SERVICE}`, type: 'SRV', ttl, data: { target, port: 7, priority: 0, weight: 0 } };
};
const host = (name: string, ip: string, ttl = 100): DnsRecord => ({ name, type: 'A', ttl, data: ip });

test('[invariant 1] a host goes with its last instance, and an instance that moves leaves none behind', () => {
  const table = new InstanceTable(SERVICE);
  table.hear([pointer('x'), pointer('y'), srv('x', 'h.local'), srv('y', 'H.local'), host('h.local', '10.0.0.1')], 0);
  assert.equal(table.size, 3);
  for (let i = 0; i < 1_000; i++) table.hear([srv('x', `h${i}.local`), host(`h${i}.local`, '10.0.0.2')], 0);
  assert.equal(table.size, 4);
  table.hear([pointer('x', 0)], 0);
  assert.equal(table.size, 2);
  table.hear([srv('y', '', 0)], 0);
  assert.equal(table.size, 1);
  table.expire(100_000);
  assert.deepEqual([table.size, table.nextExpiry()], [0, Number.POSITIVE_INFINITY]);
});

test('[invariant 1] a full table turns new instances away until there is room', () => {
  const table = new InstanceTable(SERVICE);
  for (let i = 0; i < TABLE_LIMITS.instances; i++) table.hear([pointer(`i${i}`)], 0);
  table.hear([pointer('late')], 0);
  assert.deepEqual([table.size, table.refused], [TABLE_LIMITS.instances, 1]);
  table.hear([pointer('i0', 0), pointer('late')], 0);
  assert.deepEqual([table.size, table.refused], [TABLE_LIMITS.instances, 1]);
});

test('[invariant 5] what is said again changes nothing but its time to live', () => {
  const table = new InstanceTable(SERVICE);
  const all = [pointer('x'), srv('x', 'h.local'), host('h.local', '10.0.0.1')];
  table.hear(all, 0);
  assert.equal(table.version, 1);
  for (let now = 1; now < 50_000; now += 1_000) table.hear(all, now);
  table.expire(100_000);
  assert.deepEqual([table.version, table.peers().length], [1, 1]);
  assert.equal(table.nextExpiry(), 149_001);
  table.hear([host('h.local', '10.0.0.1', 0)], 100_000);
  assert.deepEqual([table.version, table.peers().length], [2, 0]);
});

test('[invariant 5] an address that is said again judges none of the instances there, and another one does', () => {
  const table = new InstanceTable(SERVICE);
  const bad: DnsRecord = { name: `x.${SERVICE}`, type: 'TXT', ttl: 100, data: [Buffer.from('services=bad')] };
  table.hear([pointer('x'), srv('x', 'h.local'), bad, pointer('y'), srv('y', 'h.local')], 0);
  const address = { ...host('h.local', '10.0.0.1'), flush: true };
  table.hear([address], 0);
  assert.deepEqual([table.refused, table.peers().length], [1, 1]);
  for (let again = 0; again < 10; again++) table.hear([address], again);
  assert.equal(table.refused, 1);
  table.hear([{ ...host('h.local', '10.0.0.2'), flush: true }], 10);
  assert.deepEqual([table.refused, table.peers()[0]!.address], [2, 'tcp://10.0.0.2:7']);
});

test('[invariant 4] addresses of a host: the first that means the same everywhere, IPv4 before IPv6', () => {
  const table = new InstanceTable(SERVICE);
  const six = (ip: string): DnsRecord => ({ name: 'h.local', type: 'AAAA', ttl: 100, data: ip });
  table.hear([pointer('x'), srv('x', 'h.local'), six('fe80::1'), six('fd00::1')], 0);
  assert.equal(table.peers()[0]!.address, 'tcp://[fd00::1]:7');
  table.hear([host('h.local', '10.0.0.1')], 0);
  assert.equal(table.peers()[0]!.address, 'tcp://10.0.0.1:7');
});
