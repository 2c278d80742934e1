import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPeer } from '../../../test/discovery/discovery-host.ts';
import { ownRecords } from './own-records.ts';

test('labels are within 63 bytes, hold no dot, and differ for each address', () => {
  const names = (['tcp://10.0.0.1:1', 'tcp://10.0.0.1:2', 'tcp://[fd00::1]:1'] as const).map((address) => {
    const { own } = ownRecords(testPeer(address, { nodeId: `${'ä.'.repeat(40)}x` }), '_a._tcp.local', 1_500)!;
    for (const label of [...own.name.split('.'), ...own.host.split('.')]) assert.ok(/^[\w-]{1,63}$/.test(label), label);
    assert.equal(own.name.split('.').length, 4);
    assert.equal(own.ttl, 2, 'seconds, rounded up');
    return own.name;
  });
  assert.equal(new Set(names).size, 3);
});

test('[case-66] the announced ip is that of the address, in its family', () => {
  const addressOf = (address: 'tcp://10.0.0.1:1' | 'tcp://[fd00::1]:1') => {
    const { type, data } = ownRecords(testPeer(address), '_a._tcp.local', 1_000)!.own.records[3]!;
    return [type, data];
  };
  assert.deepEqual(addressOf('tcp://10.0.0.1:1'), ['A', '10.0.0.1']);
  assert.deepEqual(addressOf('tcp://[fd00::1]:1'), ['AAAA', 'fd00::1']);
  assert.equal(ownRecords(testPeer('unix:///run/a.sock'), '_a._tcp.local', 1_000), undefined);
});
