import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testHost, watched } from '../../test/discovery/discovery-host.ts';
import { type StaticPeer, staticDiscovery } from './static-discovery.ts';

const [A, B, OWN] = ['tcp://10.0.0.1:1', 'tcp://10.0.0.2:1', 'tcp://10.0.0.9:1'] as const;

test('[case-64] a list of addresses and peers: canonical, in order, each once, without the own', async () => {
  const discovery = staticDiscovery([B, { address: A, services: ['a/v1'] }, 'tcp://10.0.0.1:01', OWN]);
  assert.equal(discovery.peerCount, 3);
  await discovery.start(testHost(OWN));
  assert.deepEqual(
    discovery.peers().map(({ address, services }) => [address, services]),
    [
      [A, ['a/v1']],
      [B, []],
    ],
  );
  assert.notEqual(discovery.peers(), discovery.peers());
  assert.equal(discovery.peerCount, 2);
  await discovery.stop();
});

test('set replaces the list; each subscriber is told, and a bad peer changes nothing', async () => {
  const discovery = staticDiscovery([A]);
  await discovery.start(testHost(OWN));
  const [one, two] = [watched(discovery), watched(discovery)];
  assert.throws(() => discovery.set([B, 'nowhere']), { kind: 'invalid-config', detail: 'peer' });
  discovery.set([{ address: A, health: 'healthy' }, B]);
  await new Promise(setImmediate);
  discovery.set([B]);
  await new Promise(setImmediate);
  discovery.set([B]);
  await discovery.stop();
  await discovery.stop();
  discovery.set([]);
  await new Promise(setImmediate);
  assert.deepEqual(one, [`changed ${A}`, `found ${B}`, `gone ${A}`, 'end']);
  assert.deepEqual(two, one);
});

test('what is no peer is refused', () => {
  for (const peer of [null, 7, {}, { address: A, services: ['a'] }, { address: A, metadata: { a: 1 } }]) {
    assert.throws(() => staticDiscovery([peer as unknown as StaticPeer]), { kind: 'invalid-config', detail: 'peer' });
  }
});

test('[case-58] start twice, stop twice, stop before start, changes after stop', async () => {
  const discovery = staticDiscovery();
  await discovery.start(testHost(OWN));
  await assert.rejects(discovery.start(testHost(OWN)), { kind: 'invalid-state', message: /started/ });
  await discovery.stop();
  await discovery.stop();
  await assert.rejects(discovery.start(testHost(OWN)), { kind: 'invalid-state', message: /stopped/ });
  for await (const change of discovery.changes()) assert.fail(change.kind);
  const never = staticDiscovery();
  await never.stop();
  await assert.rejects(never.start(testHost(OWN)), { kind: 'invalid-state' });
});
