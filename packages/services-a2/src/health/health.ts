/** What an application sees of the health of its node: `imperium.health` (a2-services, health). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CheckSettings } from './core/check-settings.ts';
import type { HealthCheck } from './health-check.ts';
import type { HealthState } from './health-state.ts';
import type { HealthChange, HealthStatus } from './health-status.ts';

/** A check that was added; `using` removes it too. */
export interface HealthCheckHandle {
  readonly name: string;
  /** Ends its runs and takes its result away. Idempotent. */
  remove(): void;
  [Symbol.dispose](): void;
}

/** How this node is: its named checks, what was set by hand, and who is told. */
export interface Health {
  /** The worst of all checks and of what was set by hand. */
  readonly state: HealthState;
  /**
   * Adds a check; its first run begins at once.
   *
   * @param name 1 to 100 characters; one that is taken is `invalid-state`.
   * @param check anything but a function is `invalid-config`, and makes the node `unhealthy` until a check of that name is
   *   added or the program ends: a check that is missing has not passed.
   */
  add(name: string, check: HealthCheck, options?: Partial<CheckSettings>): HealthCheckHandle;
  /**
   * Sets a state by hand. It counts as one more check: the worst wins, so `healthy` hides no failing one. Undefined takes it
   * back.
   */
  set(state: HealthState | undefined): void;
  /** A snapshot that JSON carries. */
  status(): HealthStatus;
  /** Tells of changes from now on; the result ends that. */
  onChange(listener: (change: HealthChange) => void): () => void;
  /** A listener for `node:http` that answers `/livez` and `/readyz`. */
  httpHandler(): (request: IncomingMessage, response: ServerResponse) => void;
}
