/** Routes by the tabernae that nodes announce: with it an application never writes an address (topology, resolving). */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';
import type { Topology, TopologyNode } from './topology.ts';

/** Of several hosts of a taberna the first in this order is taken, then the one with the lowest node id. */
const PREFERENCE: readonly HealthState[] = ['healthy', 'unknown', 'unhealthy', 'draining'];

export class TopologyResolver {
  private readonly topology: Topology;
  private routes: ReadonlyMap<string, DomusAddr> = new Map();
  private routesOf = -1;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  /** Rises whenever an earlier answer may have become wrong. */
  get version(): number {
    return this.topology.version;
  }

  /** The address of a node that announces a taberna; undefined where none does. */
  resolve(tabernaId: bigint): DomusAddr | undefined {
    const { version } = this.topology;
    if (this.routesOf !== version) {
      this.routes = routesOf(this.topology.nodes());
      this.routesOf = version;
    }
    return this.routes.get(tabernaId.toString(16).padStart(16, '0'));
  }
}

function routesOf(nodes: readonly TopologyNode[]): ReadonlyMap<string, DomusAddr> {
  const best = new Map<string, TopologyNode>();
  for (const node of nodes) {
    if (node.isSelf) continue;
    for (const { id } of node.tabernae) {
      const other = best.get(id);
      if (other === undefined || rank(node) < rank(other)) best.set(id, node);
    }
  }
  return new Map([...best].map(([id, { address }]) => [id, address]));
}

function rank({ health, isSuspect }: TopologyNode): number {
  return PREFERENCE.indexOf(health) + (isSuspect ? PREFERENCE.length : 0);
}
