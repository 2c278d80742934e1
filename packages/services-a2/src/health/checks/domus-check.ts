import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import type { HealthCheck } from '../health-check.ts';

/** What `domusCheck` takes for well. */
export interface DomusCheckOptions {
  /** A longer round trip fails, in milliseconds; default: any length within the timeout of the check. */
  readonly maxRoundTripMs?: number;
}

const NAMES: OptionNames<DomusCheckOptions> = { maxRoundTripMs: true };

/**
 * Passes where another domus (node) answers a ping.
 *
 * @param ping resolves to the round-trip time in milliseconds, as `imperium.topology.ping(peer, { signal })` does.
 */
export function domusCheck(
  ping: (signal: AbortSignal) => Promise<number>,
  options: DomusCheckOptions = {},
): HealthCheck {
  if (typeof ping !== 'function') throw outOfRange('ping', 'a function', ping);
  const { maxRoundTripMs = Number.POSITIVE_INFINITY } = optionsOf('domusCheck', options, NAMES);
  if (!(maxRoundTripMs > 0)) throw outOfRange('maxRoundTripMs', 'a number above 0', maxRoundTripMs);
  return async (signal) => {
    const roundTripMs = await ping(signal);
    if (!(roundTripMs >= 0)) throw new Error('the ping gave no round-trip time');
    if (roundTripMs > maxRoundTripMs) throw new Error(`the round trip took ${roundTripMs} ms`);
  };
}
