/** Who offers a service, as pickers see it. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';

/** A node that provides the service of a call. */
export interface Provider {
  /** Where it is. */
  readonly address: DomusAddr;
  /** What the source of peers says; undefined where it does not tell. */
  readonly nodeId: string | undefined;
  /** As far as it is known. */
  readonly health: HealthState;
  /** What it says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}
