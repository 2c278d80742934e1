import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { type Interfaces, onLinkSenders, planLinks } from './interface-plan.ts';

function on(address: string, bits: number, internal = false): NetworkInterfaceInfo {
  const rest = { netmask: '', mac: '', internal, cidr: `${address}/${bits}` };
  return address.includes(':')
    ? { address, family: 'IPv6', scopeid: 0, ...rest }
    : { address, family: 'IPv4', ...rest };
}

const lo = [on('127.0.0.1', 8, true), on('::1', 128, true)];
const machine: Interfaces = { lo, eth0: [on('10.0.0.2', 24), on('fd00::2', 64)], wg0: [on('10.9.0.2', 16)] };
const text = (wanted: string | undefined, own: Parameters<typeof planLinks>[1], interfaces = machine) =>
  planLinks(wanted, own, interfaces).map(({ family, interface: name }) => `${family} ${name}`);

test('without a wish: the interface of the own ip, and all outward ones where none has it', () => {
  assert.deepEqual(text(undefined, 'tcp://10.0.0.2:1'), ['4 10.0.0.2', '6 ::%eth0']);
  assert.deepEqual(text(undefined, 'tcp://[fd00::2]:1'), ['4 10.0.0.2', '6 ::%eth0']);
  assert.deepEqual(text(undefined, 'tcp://203.0.113.1:1'), ['4 10.0.0.2', '6 ::%eth0', '4 10.9.0.2']);
  assert.deepEqual(text(undefined, 'unix:///run/a.sock'), ['4 10.0.0.2', '6 ::%eth0', '4 10.9.0.2']);
});

test('[case-66] hosts with only loopback, and with only IPv6', () => {
  assert.deepEqual(text(undefined, 'tcp://127.0.0.1:1'), ['4 127.0.0.1', '6 ::%lo']);
  assert.deepEqual(text('all', 'tcp://127.0.0.1:1', { lo }), ['4 127.0.0.1', '6 ::%lo']);
  const six = { lo: [on('::1', 128, true)], eth0: [on('fd00::2', 64)] };
  assert.deepEqual(text(undefined, 'tcp://[fd00::2]:1', six), ['6 ::%eth0']);
});

test('an interface by name or ip; one that is not there is none', () => {
  assert.deepEqual(text('wg0', 'tcp://10.0.0.2:1'), ['4 10.9.0.2']);
  assert.deepEqual(text('10.9.0.2', 'tcp://10.0.0.2:1'), ['4 10.9.0.2']);
  assert.deepEqual(text('eth9', 'tcp://10.0.0.2:1'), []);
  const many = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`veth${i}`, [on(`10.1.0.${i}`, 24)]]));
  assert.equal(text('all', 'tcp://10.0.0.2:1', many).length, 16);
});

test('senders of own subnets and link-local ones are believed, others not', () => {
  const believes = onLinkSenders(machine);
  for (const ip of ['10.0.0.77', '10.9.200.1', '127.0.0.9', 'fd00::77', 'fe80::1%eth0', '::1'])
    assert.ok(believes(ip), ip);
  for (const ip of ['10.0.1.1', '192.168.0.1', '2001:db8::1', 'rubbish', '']) assert.equal(believes(ip), false, ip);
});
