/** How states of parts make that of the whole (a2-services, health). */
import type { HealthState } from '../health-state.ts';

const BADNESS: Readonly<Record<HealthState, number>> = { healthy: 0, unknown: 1, unhealthy: 2, draining: 3 };

/** Every state, from the best to the worst. */
export const HEALTH_STATES: readonly HealthState[] = Object.freeze(['healthy', 'unknown', 'unhealthy', 'draining']);

/** The worst of the states; `unknown` where there is none. */
export function worstState(states: Iterable<HealthState>): HealthState {
  let worst: HealthState | undefined;
  for (const state of states) {
    if (worst === undefined || BADNESS[state] > BADNESS[worst]) worst = state;
  }
  return worst ?? 'unknown';
}
