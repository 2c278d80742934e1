/** The topology as a discovery and as a resolver. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tabernaId } from '@flaminia/domus';
import type { DiscoveryChange } from '../../src/discovery/discovery.ts';
import type { HealthState } from '../../src/health/health-state.ts';
import type { TopologyOptions } from '../../src/topology/topology.ts';
import { TopologyDiscovery } from '../../src/topology/topology-discovery.ts';
import { TopologyResolver } from '../../src/topology/topology-resolver.ts';
import { type Member, members } from './members.ts';

function hostOf({ domus }: Member, services: string[]): Parameters<TopologyDiscovery['start']>[0] {
  return {
    address: domus.address,
    announcement: () => ({
      address: domus.address,
      nodeId: 'a',
      nodeType: 'worker',
      services,
      health: 'healthy',
      metadata: { zone: 'b' },
    }),
  };
}

test('a topology is a discovery: peers, changes, the own announcement', async (t) => {
  const { add, until, wait } = members(t);
  const [a, b] = [await add('a'), await add('b', { node: { services: ['users/v1'] } })];
  const discovery = new TopologyDiscovery(a.topology);
  assert.equal(discovery.serviceType, 'topology');
  a.topology.start({ seeds: [b.domus.address] });
  const services = ['identity/v1'];
  await discovery.start(hostOf(a, services));
  await assert.rejects(discovery.start(hostOf(a, services)), { kind: 'invalid-state' });
  const seen: DiscoveryChange[] = [];
  const reading = (async () => {
    for await (const change of discovery.changes()) seen.push(change);
  })();
  await until(() => a.topology.isAlone);
  b.topology.start();
  await until(() => discovery.peerCount === 1 && b.topology.nodes().length === 2 && !a.topology.isAlone);
  assert.deepEqual(discovery.peers()[0], {
    address: b.domus.address,
    nodeId: 'b',
    nodeType: 'worker',
    services: ['users/v1'],
    health: 'unknown',
    metadata: {},
  });
  assert.notEqual(discovery.peers(), discovery.peers());
  assert.deepEqual(b.topology.node('a')!.services, ['identity/v1']);
  services.push('more/v1');
  discovery.announce();
  b.topology.setHealth('healthy');
  await until(() => b.topology.node('a')!.services.length === 2 && a.topology.node('b')!.health === 'healthy');
  await wait(b.topology.leave());
  await until(() => discovery.peerCount === 0);
  await discovery.stop();
  await discovery.stop();
  await reading;
  const kinds = seen.map(({ kind }) => kind);
  assert.deepEqual(
    kinds.filter((kind) => kind !== 'degraded' && kind !== 'restored'),
    ['found', 'changed', 'gone'],
  );
  assert.equal(kinds[0], 'degraded');
  assert.ok(kinds.includes('restored'));
});

test('health is announced where there are too many services, and a service that is no more is not', async (t) => {
  const { add } = members(t);
  const a = await add('a');
  const discovery = new TopologyDiscovery(a.topology);
  const services = Array.from({ length: 128 }, (_, i) => `s${i}/v1`);
  const host = hostOf(a, services);
  let health: HealthState = 'healthy';
  const own = () => a.topology.nodes().find(({ isSelf }) => isSelf)!;
  await discovery.start({ ...host, announcement: () => ({ ...host.announcement(), health }) });
  services.push('one-more/v1', 'another/v1');
  services.shift();
  health = 'draining';
  assert.throws(() => discovery.announce(), { kind: 'invalid-config' });
  assert.deepEqual([own().health, own().services.length, own().services.includes('s0/v1')], ['draining', 127, false]);
  services.shift();
  discovery.announce();
  assert.deepEqual([...own().services].sort(), [...services].sort());
  await discovery.stop();
});

test('a resolver knows the announced tabernae, and its version tells when to ask again', async (t) => {
  const { add, until } = members(t);
  const orders = tabernaId('orders');
  const node: TopologyOptions['node'] = { tabernae: [{ id: orders, name: 'orders' }] };
  const all = [await add('a'), await add('b', { node }), await add('c', { node })];
  const [a, b, c] = all as [Member, Member, Member];
  const resolver = new TopologyResolver(a.topology);
  assert.equal(resolver.resolve(orders), undefined);
  for (const { topology } of all) topology.start({ seeds: [a.domus.address] });
  await until(() => a.topology.nodes().length === 3);
  assert.equal(resolver.resolve(orders), b.domus.address);
  assert.equal(resolver.resolve(orders + 1n), undefined);
  const { version } = resolver;
  c.topology.setHealth('healthy');
  await until(() => a.topology.node('c')!.health === 'healthy');
  assert.ok(resolver.version > version);
  assert.equal(resolver.resolve(orders), c.domus.address);
});
