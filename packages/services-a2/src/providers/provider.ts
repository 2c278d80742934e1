/** Who offers a service, as pickers see it. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';

/** A node that provides the service of a call. */
export interface Provider {
  readonly address: DomusAddr;
  /** What the source of peers says; undefined where it does not tell. */
  readonly nodeId: string | undefined;
  readonly health: HealthState;
  readonly metadata: Readonly<Record<string, string>>;
}
