/** A seeded story of everything that can happen to a group of nodes, and what must hold when it has quietened down. */
import assert from 'node:assert/strict';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

export interface ChurnOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Virtual time of trouble. */
  readonly troubleMs: number;
  /** Virtual time of calm after which all must agree. */
  readonly calmMs: number;
}

/** Runs the story and checks its end; an assertion that fails names the seed. */
export function churn({ seed, nodes: count, troubleMs, calmMs }: ChurnOptions): SimNetwork {
  const network = new SimNetwork({ seed, loss: seed % 2 === 0 ? 0.05 : 0 });
  const nodes = Array.from({ length: count }, (_, index) => network.add(index));
  const seeds = [nodes[0]!.address, nodes[1]!.address];
  const gone = new Set<SimNode>();
  for (const node of nodes) network.at(network.between(0, 5_000), () => node.start(seeds));
  const end = troubleMs;
  for (let time = 5_000; time < end; time += network.between(200, 3_000)) {
    network.at(time, () => trouble(network, nodes, gone, seeds));
  }
  network.runUntil(end);
  network.mend();
  network.setLoss(0);
  // Whoever starts anew knows nobody but the seeds.
  for (const node of nodes.slice(0, 2)) if (gone.delete(node)) node.restart(seeds);
  network.run(calmMs);
  assertAgreed(network, nodes, gone);
  return network;
}

function trouble(network: SimNetwork, nodes: SimNode[], gone: Set<SimNode>, seeds: string[]): void {
  const node = nodes[network.random() % nodes.length]!;
  const die = network.random() % 100;
  if (die < 15) {
    if (node.isUp && !gone.has(node) && gone.size < nodes.length / 2) {
      node.crash();
      gone.add(node);
    }
  } else if (die < 30) {
    if (gone.delete(node)) node.restart(seeds);
  } else if (die < 40) {
    if (node.isUp && !gone.has(node) && gone.size < nodes.length / 2) {
      gone.add(node);
      node.leave();
    }
  } else if (die < 65) {
    if (node.isUp && !gone.has(node)) node.update({ metadata: { round: String(network.random()) } });
  } else if (die < 80) {
    if (node.isUp && !gone.has(node)) node.stall(network.between(200, 15_000));
  } else if (die < 90) {
    const seed = network.random();
    network.split((address) => (hashOf(address) ^ seed) & 1);
  } else network.mend();
}

function hashOf(address: string): number {
  return [...address].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x0100_0193) >>> 7, 0x811c_9dc5);
}

/** Everybody who lives lists exactly those who live, each with its owner's latest record. */
export function assertAgreed(network: SimNetwork, nodes: readonly SimNode[], gone: ReadonlySet<SimNode>): void {
  const living = nodes.filter((node) => !gone.has(node));
  const wanted = living.map(({ nodeId }) => nodeId).sort();
  for (const node of living) {
    const label = `seed ${network.seed}: ${node.nodeId}`;
    assert.deepEqual(node.view(), wanted, `${label} lists`);
    for (const other of living) {
      const entry = node.core.membership.table.get(other.nodeId)!;
      const { own } = other.core.membership;
      assert.equal(entry.signed.record.incarnation, own.record.incarnation, `${label} knows ${other.nodeId}`);
      assert.deepEqual(entry.signed.bytes, own.bytes, `${label} holds the bytes of ${other.nodeId}`);
    }
    const { links } = node.core;
    const wantedLinks = Math.min(network.settings.links, living.length - 1);
    assert.ok(links.size >= Math.min(wantedLinks, 2), `${label} has ${links.size} links`);
    assert.ok(links.size <= network.settings.links + 1, `${label} has ${links.size} links`);
  }
}
