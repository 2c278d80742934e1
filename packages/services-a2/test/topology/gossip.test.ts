/** How records spread in the simulated network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import { churn } from './churn.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

function allList(nodes: readonly SimNode[], count: number): boolean {
  return nodes.every((node) => node.view().length === count);
}

function incarnationAt(node: SimNode, of: SimNode): number | undefined {
  return node.core.membership.table.get(of.nodeId)?.signed.record.incarnation;
}

test('[case-31] three nodes in a chain of seeds all list all', () => {
  const network = new SimNetwork({ seed: 31 });
  const nodes = [network.add(0), network.add(1), network.add(2)];
  nodes[0]!.start([]);
  nodes[1]!.start([nodes[0]!.address]);
  nodes[2]!.start([nodes[1]!.address]);
  const took = network.runUntilTrue(() => allList(nodes, 3), 10 * network.settings.gossipPeriodMs);
  assert.ok(took <= 10 * network.settings.gossipPeriodMs);
});

test('[topo-link-1, topo-link-3] forty nodes that know one seed come to list each other, with no more links than they want and one', () => {
  const network = new SimNetwork({ seed: 40, loss: 0.02 });
  const nodes = Array.from({ length: 40 }, (_, index) => network.add(index));
  for (const node of nodes) node.start([nodes[0]!.address]);
  network.runUntilTrue(() => allList(nodes, 40), 30_000);
  network.run(20_000);
  for (const { core, nodeId } of nodes) {
    assert.ok(core.links.size >= 4 && core.links.size <= 6, `${nodeId} has ${core.links.size} links`);
  }
});

test('a node joins although its seed comes up late, and a domus without a topology is no seed and no fault', () => {
  const network = new SimNetwork({ seed: 5 });
  const [late, joiner, rust] = [network.add(0), network.add(1), network.add(2)];
  rust.isForeign = true;
  late.isUp = false;
  joiner.start([late.address, rust.address]);
  network.run(60_000);
  assert.deepEqual(joiner.view(), ['node-1']);
  assert.equal(joiner.core.isAlone, true);
  late.restart([]);
  network.runUntilTrue(() => allList([late, joiner], 2) && !joiner.core.isAlone, 30_000);
  assert.deepEqual(
    joiner.events.map(({ kind }) => kind),
    ['joined'],
  );
});

test('a change is known to 100 nodes within 10 gossip periods, whoever makes it', () => {
  const network = new SimNetwork({ seed: 100 });
  const nodes = network.addFormed(100);
  network.run(8_000);
  for (let round = 0; round < 10; round++) {
    const owner = nodes[network.random() % nodes.length]!;
    owner.update({ metadata: { round: String(round) } });
    const { incarnation } = owner.core.membership.own.record;
    const isKnown = (): boolean => nodes.every((node) => incarnationAt(node, owner) === incarnation);
    network.runUntilTrue(isKnown, 10 * network.settings.gossipPeriodMs);
    network.run(1_000);
  }
});

test('a change is known to 1,000 nodes within 10 gossip periods', () => {
  const network = new SimNetwork({ seed: 1000 });
  const nodes = network.addFormed(1000);
  network.run(6_000);
  const owner = nodes[500]!;
  owner.update({ services: ['identity/v2'] });
  const { incarnation } = owner.core.membership.own.record;
  const isKnown = (): boolean => nodes.every((node) => incarnationAt(node, owner) === incarnation);
  network.runUntilTrue(isKnown, 10 * network.settings.gossipPeriodMs);
});

test('what a node sends in calm does not grow with the number of nodes', () => {
  const [small = 0, large = 0] = [30, 120].map((count) => {
    const network = new SimNetwork({ seed: count });
    network.addFormed(count);
    network.run(10_000);
    const before = network.bytes;
    network.run(40_000);
    return (network.bytes - before) / count;
  });
  assert.ok(large < small * 1.3, `${small} and ${large} bytes`);
});

test('[topo-cmp-4] tables are compared with nodes that are no links', () => {
  const network = new SimNetwork({ seed: 4, settings: { wanderPeriodMs: 2_000 } });
  const nodes = network.addFormed(30);
  network.run(10_000);
  const wanderers = new Set<string>();
  const { carry } = network;
  network.carry = (from, to, type, ...rest) => {
    const links = network.nodes.get(from.address)!.core.links;
    if (type === MESSAGE.compare && !links.has(to)) wanderers.add(from.address);
    carry.call(network, from, to, type, ...rest);
  };
  network.run(5_000);
  assert.equal(wanderers.size, nodes.length);
});

test('[topo-rec-7, topo-cmp-4] [case-32] edits on both sides of a split survive, and the views become equal', () => {
  const network = new SimNetwork({ seed: 32, settings: { wanderPeriodMs: 5_000 } });
  const nodes = network.addFormed(20);
  network.run(10_000);
  const half = new Set(nodes.slice(0, 10).map(({ address }) => address));
  network.split((address) => (half.has(address) ? 0 : 1));
  network.runUntilTrue(() => nodes.every((node) => node.view().length === 10), 120_000);
  nodes[0]!.update({ metadata: { side: 'left' } });
  nodes[19]!.update({ metadata: { side: 'right' } });
  network.run(10_000);
  network.mend();
  const recordAt = (node: SimNode, of: SimNode): Readonly<Record<string, string>> | undefined =>
    node.core.membership.table.get(of.nodeId)?.signed.record.metadata;
  network.runUntilTrue(() => {
    const sides = nodes.map((node) => [recordAt(node, nodes[0]!)?.side, recordAt(node, nodes[19]!)?.side]);
    return allList(nodes, 20) && sides.every(([left, right]) => left === 'left' && right === 'right');
  }, 120_000);
  network.run(5_000);
  const roots = new Set(nodes.map(({ core }) => core.membership.table.digest.rootHi));
  assert.equal(roots.size, 1);
});

test('[topo-tomb-2] [case-33] a peer that missed the end of a node does not bring it back', () => {
  const network = new SimNetwork({ seed: 33 });
  const nodes = network.addFormed(12);
  network.run(10_000);
  const [stale, leaver, victim] = nodes as [SimNode, SimNode, SimNode];
  network.split((address) => (address === stale.address ? 1 : 0));
  leaver.leave();
  victim.crash();
  const others = nodes.slice(3);
  network.runUntilTrue(
    () => others.every((node) => !node.view().some((id) => id === 'node-1' || id === 'node-2')),
    60_000,
  );
  for (const node of others) node.events.length = 0;
  network.mend();
  network.runUntilTrue(() => stale.view().length === 10 && others.every((node) => node.view().length === 10), 120_000);
  const back = others.flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === 'joined' && event.node.nodeId !== 'node-0' ? [event.node.nodeId] : [])),
  );
  assert.ok(!back.includes('node-1') && !back.includes('node-2'), back.join());
});

test('[topo-cmp-3] [case-38] with 5,000 nodes one change is a small delta', () => {
  const network = new SimNetwork({ seed: 38 });
  const nodes = Array.from({ length: 5_000 }, (_, index) => network.add(index));
  const [a, b] = nodes as [SimNode, SimNode];
  for (const { core } of nodes) {
    a.core.membership.table.put(core.membership.own, 0);
    b.core.membership.table.put(core.membership.own, 0);
  }
  const changed = nodes[77]!;
  changed.update({ metadata: { changed: 'yes' } });
  a.core.membership.table.put(changed.core.membership.own, 0);
  let end: string | undefined;
  b.core.sync(a.address, network.now, 60_000, ({ kind }) => {
    end = kind;
  });
  network.run(1_000);
  assert.equal(end, 'equal');
  assert.equal(incarnationAt(b, changed), changed.core.membership.own.record.incarnation);
  const sent = a.sentBytes + b.sentBytes;
  assert.ok(sent < 8_000, `${sent} bytes`);
});

test('[topo-msg-2, topo-cmp-3] a node that knows nothing takes in 1,000 records in bounded messages', () => {
  const network = new SimNetwork({ seed: 39 });
  const nodes = Array.from({ length: 1_000 }, (_, index) => network.add(index));
  const [full, empty] = nodes as [SimNode, SimNode];
  for (const { core } of nodes) full.core.membership.table.put(core.membership.own, 0);
  let largest = 0;
  const { carry } = network;
  network.carry = (...message) => {
    largest = Math.max(largest, message[3].length);
    carry.apply(network, message);
  };
  empty.core.sync(full.address, network.now, 600_000, () => {});
  network.runUntilTrue(() => empty.view().length === 1_000, 60_000);
  assert.ok(largest <= 65_536, `${largest} bytes`);
});

test('whatever happens, all agree once it is over', () => {
  for (const seed of [1, 2, 3]) churn({ seed, nodes: 12, troubleMs: 60_000, calmMs: 60_000 });
});
