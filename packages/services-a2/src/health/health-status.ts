/** How a node is, in a form that JSON and CBOR carry (a2-services, health). */
import type { CheckState } from './core/check-machine.ts';
import type { HealthState } from './health-state.ts';

/** The health of a node, with the last result of each check. */
export interface HealthStatus {
  /** The worst of the checks and of what was set by hand; `unknown` where there is neither. */
  readonly state: HealthState;
  /** What was set by hand; null where nothing is. */
  readonly manual: HealthState | null;
  /** In the order in which they were added. */
  readonly checks: readonly CheckStatus[];
}

/** One check and its last result. */
export interface CheckStatus {
  readonly name: string;
  readonly state: CheckState;
  /** Why the last run failed, at most 200 characters; null where it passed, and before the first. */
  readonly error: string | null;
  /** When the last run ended, in milliseconds since 1970; null before the first. */
  readonly at: number | null;
  /** How long the last run took; null before the first. */
  readonly tookMs: number | null;
  /** How many results like the last there were in a row; 0 before the first. */
  readonly consecutive: number;
}

/** One change of health. */
export type HealthChange =
  /** The node as a whole. */
  | { readonly kind: 'node'; readonly state: HealthState; readonly previous: HealthState }
  /** One check; `error` is that of the last run, null where it passed. */
  | {
      readonly kind: 'check';
      readonly name: string;
      readonly state: CheckState;
      readonly previous: CheckState;
      readonly error: string | null;
    };
