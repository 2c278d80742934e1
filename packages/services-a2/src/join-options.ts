/** What an application says when a node joins an imperium (fabric). */
import type { DomusAddr, OptionNames } from '@flaminia/transport-a0';
import type { Discovery } from './discovery/discovery.ts';
import type { HealthCheck } from './health/health-check.ts';
import type { TopologySettings } from './topology/core/settings.ts';

/** Options of joining. */
export interface JoinOptions {
  /** Addresses of nodes that are in the imperium already, or a source of them. Joining goes on until one answers. */
  readonly seeds?: readonly DomusAddr[] | Discovery;
  /** Sources of providers beside the topology. */
  readonly discovery?: Discovery | readonly Discovery[];
  /** What other nodes see of this one: at most 64 entries, keys up to 128 bytes, values up to 1,024, some 6 KiB with all else. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Periods and sizes of membership that differ from the defaults; all nodes of an imperium should have the same. */
  readonly topology?: Partial<TopologySettings>;
  /** Checks that run from the beginning, by their names: as `imperium.health.add` adds them, with its defaults. */
  readonly health?: Readonly<Record<string, HealthCheck>>;
  /** Gives the joining up, with the signal's reason; it has no say once this node has joined. */
  readonly signal?: AbortSignal;
}

export const JOIN_OPTIONS: OptionNames<JoinOptions> = {
  seeds: true,
  discovery: true,
  metadata: true,
  topology: true,
  health: true,
  signal: true,
};
