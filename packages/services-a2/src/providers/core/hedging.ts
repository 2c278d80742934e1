/** When a call is made a second time before the first has answered (a2-services, procedures); off by default. */
import { outOfRange } from '@flaminia/transport-a0';

/** When a client hedges. */
export interface HedgeOptions {
  /** So long without an answer, in milliseconds, and the call is made at another provider too. 1 to 600,000; default: never. */
  readonly hedgeAfter?: number | undefined;
}

/** What is known of a call that may be hedged. */
export interface HedgeCall {
  readonly idempotent: boolean;
  readonly begunAt: number;
  readonly deadline: number;
  /** How often it has been made already. */
  readonly tries: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The delay in use, or infinity for never; outside its range `invalid-config`. */
export function hedgeDelay({ hedgeAfter }: HedgeOptions): number {
  if (hedgeAfter === undefined) return NEVER;
  if (Number.isSafeInteger(hedgeAfter) && hedgeAfter >= 1 && hedgeAfter <= 600_000) return hedgeAfter;
  throw outOfRange('hedgeAfter', 'an integer, 1 to 600000 ms', hedgeAfter);
}

/**
 * When the second try is due; infinity for never. Only the first try of an idempotent call is hedged, and only where the deadline
 * leaves time. Then it still takes a provider that was not tried and a place in the retry budget, or there is none.
 */
export function hedgeAt(delay: number, { idempotent, begunAt, deadline, tries }: HedgeCall): number {
  const at = begunAt + delay;
  return idempotent && tries === 1 && at < deadline ? at : NEVER;
}
