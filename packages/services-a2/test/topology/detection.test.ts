/** How nodes are suspected, declared dead, and are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf } from '../../src/topology/core/node-table.ts';
import { shortestMs } from '../../src/topology/core/suspicion.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

function stateAt(node: SimNode, of: SimNode): string {
  return stateOf(node.core.membership.table.get(of.nodeId)!);
}

function formed(seed: number, count: number, settings = {}): { network: SimNetwork; nodes: SimNode[] } {
  const network = new SimNetwork({ seed, settings });
  const nodes = network.addFormed(count);
  network.run(10_000);
  return { network, nodes };
}

test('[topo-det-1, topo-det-3] [case-34] a node that stops answering is suspect, then gone, and its services are no longer offered', () => {
  const { network, nodes } = formed(34, 30);
  const [victim, ...others] = nodes as [SimNode, ...SimNode[]];
  victim.crash();
  const { probePeriodMs } = network.settings;
  network.runUntilTrue(() => others.some((node) => stateAt(node, victim) === 'suspect'), 3 * probePeriodMs);
  assert.ok(others[0]!.view().includes(victim.nodeId), 'a suspect is still listed');
  const limit = shortestMs(30, network.settings) + 3 * probePeriodMs;
  network.runUntilTrue(() => others.every((node) => stateAt(node, victim) === 'dead'), limit);
  for (const node of others) {
    assert.ok(!node.view().includes(victim.nodeId));
    assert.deepEqual(
      node.events.filter(({ kind }) => kind === 'suspect' || kind === 'dead').map(({ kind }) => kind),
      ['suspect', 'dead'],
    );
  }
});

test('[topo-det-1] a node whose links all die with it is found dead by those who wander', () => {
  const { network, nodes } = formed(35, 30, { wanderPeriodMs: 5_000 });
  const victim = nodes[0]!;
  const lost = new Set([victim, ...nodes.filter(({ address }) => victim.core.links.has(address))]);
  for (const node of lost) node.crash();
  const others = nodes.filter((node) => !lost.has(node));
  network.runUntilTrue(() => others.every((node) => node.view().length === others.length), 120_000);
});

test('[topo-det-7, topo-rec-10] [case-40] a node that leaves is dropped at once, without a suspicion, and probed no more', () => {
  const { network, nodes } = formed(40, 30);
  const [leaver, ...others] = nodes as [SimNode, ...SimNode[]];
  leaver.leave();
  network.runUntilTrue(() => others.every((node) => stateAt(node, leaver) === 'left'), network.settings.probePeriodMs);
  const { carry } = network;
  network.carry = (from, to, ...rest) => {
    assert.notEqual(to, leaver.address);
    carry.call(network, from, to, ...rest);
  };
  network.run(60_000);
  for (const node of others)
    assert.ok(
      node.events.every(({ kind }) => kind === 'left'),
      'left, and nothing else',
    );
});

test('a node that stalls answers the suspicion when it goes on, and is not declared dead', () => {
  const { network, nodes } = formed(41, 30);
  const [slow, ...others] = nodes as [SimNode, ...SimNode[]];
  slow.stall(4_000);
  network.runUntilTrue(() => others.some((node) => stateAt(node, slow) === 'suspect'), 4_000);
  network.run(30_000);
  for (const node of nodes) {
    assert.equal(stateAt(node, slow), 'live');
    assert.ok(node.events.every(({ kind }) => kind !== 'dead'));
  }
});

test('[topo-tomb-2, topo-det-5] a node that was declared dead and lives outbids that', () => {
  const { network, nodes } = formed(42, 20);
  const [victim, accuser, ...others] = nodes as [SimNode, SimNode, ...SimNode[]];
  const before = victim.core.membership.own.record.incarnation;
  victim.stall(60_000);
  network.runUntilTrue(() => others.every((node) => stateAt(node, victim) === 'dead'), 60_000);
  assert.equal(stateAt(accuser, victim), 'dead');
  network.runUntilTrue(() => others.every((node) => stateAt(node, victim) === 'live'), 120_000);
  assert.ok(victim.core.membership.own.record.incarnation > before);
  assert.equal(victim.view().length, 20);
});

test('[topo-rec-9] a node that starts anew outbids its old life, even with a clock behind it', () => {
  const { network, nodes } = formed(43, 10);
  const [node, ...others] = nodes as [SimNode, ...SimNode[]];
  for (let change = 0; change < 5; change++) node.update({ metadata: { change: String(change) } });
  network.run(1_000);
  const old = node.core.membership.own.record.incarnation;
  node.crash();
  node.clockBehindMs = 3_600_000;
  node.restart([others[0]!.address]);
  assert.ok(node.core.membership.own.record.incarnation < old);
  network.run(20_000);
  const { own } = node.core.membership;
  assert.ok(own.record.incarnation > old);
  for (const other of others) assert.deepEqual(other.core.membership.table.get('node-0')!.signed.bytes, own.bytes);
});

for (const [when, gapMs, clockBehindMs] of [
  ['at once', 100, 0],
  ['once it was found dead', 60_000, 0],
  ['at once with a clock behind it', 100, 3_600_000],
] as const) {
  test(`[topo-rec-11] another node that follows a killed one at its address ${when} takes its place, and is found dead itself`, () => {
    const { network, nodes } = formed(46, 5);
    const [killed, ...others] = nodes as [SimNode, ...SimNode[]];
    killed.crash();
    network.run(gapMs);
    const next = network.add(0, { nodeId: 'next' });
    next.clockBehindMs = clockBehindMs;
    next.restart([others[0]!.address]);
    const expected = ['next', 'node-1', 'node-2', 'node-3', 'node-4'].join();
    network.runUntilTrue(() => [next, ...others].every((node) => node.view().join() === expected), 10_000);
    network.run(60_000);
    assert.ok([next, ...others].every((node) => node.view().join() === expected));
    assert.ok(!next.core.links.has(next.address));
    // Whoever comes later hears of both at once, and must notice the end of the one that lives.
    const late = [7, 8, 9].map((index) => network.add(index));
    for (const node of late) node.start([others[0]!.address]);
    network.run(10_000);
    for (const node of others) node.leave();
    network.run(10_000);
    assert.ok(late.every((node) => node.view().join() === 'next,node-7,node-8,node-9'));
    next.crash();
    network.runUntilTrue(() => late.every((node) => !node.view().includes('next')), 120_000);
  });
}

for (const [end, clockBehindMs] of [
  ['crashed', 20_000],
  ['left', 20_000],
  ['left', 0],
] as const) {
  test(`[topo-rec-9] a node that ${end} and is back at another address ${clockBehindMs} ms behind is seen, and its old life rises no more`, () => {
    const { network, nodes } = formed(47, 5);
    const [old, ...others] = nodes as [SimNode, ...SimNode[]];
    if (end === 'crashed') old.crash();
    else old.leave();
    network.run(2_000);
    const moved = network.add(9, { nodeId: old.nodeId });
    moved.clockBehindMs = clockBehindMs;
    moved.restart([others[0]!.address]);
    const isSeen = (): boolean =>
      others.every((node) => node.core.membership.table.liveAt(moved.address)?.signed.record.nodeId === old.nodeId);
    network.runUntilTrue(isSeen, 60_000);
    for (const node of others) node.events.length = 0;
    network.run(3 * network.settings.tombstoneMs);
    assert.ok(isSeen());
    for (const node of others) assert.deepEqual(node.events, []);
  });
}

test('[topo-tomb-1] tombstones are forgotten everywhere in the end, and nobody quarrels over them meanwhile', () => {
  const { network, nodes } = formed(44, 12, { tombstoneMs: 120_000 });
  const [victim, ...others] = nodes as [SimNode, ...SimNode[]];
  victim.crash();
  network.run(40_000);
  assert.ok(others.every((node) => node.core.membership.table.gone.length === 1));
  network.run(120_000);
  assert.ok(others.every((node) => node.core.membership.table.gone.length === 0));
  assert.ok(others.every((node) => node.events.at(-1)?.kind === 'forgotten'));
});

test('[topo-det-6] slow nodes do not get others declared dead', () => {
  const network = new SimNetwork({ seed: 45 });
  const nodes = network.addFormed(40);
  const stall = (node: SimNode): void => {
    const ms = network.between(500, 5_000);
    node.stall(ms);
    network.at(network.now + ms + network.between(500, 4_000), () => stall(node));
  };
  network.run(10_000);
  for (const node of nodes.slice(0, 4)) stall(node);
  network.run(60_000);
  const dead = nodes.flatMap(({ events }) => events.filter(({ kind }) => kind === 'dead'));
  assert.equal(dead.length, 0);
});
