/** The less loaded of two drawn providers. */

import type { PickContext, Picker, ProviderLoad } from '../picker.ts';
import type { Provider } from '../provider.ts';
import { indexBelow } from './hash.ts';

/**
 * A picker that draws two providers and takes the one that will probably answer sooner: fewer calls under way, weighted with the
 * moving average of its answer times. Two choices even load out nearly as well as a look at all, and clients that do not know of
 * each other do not all run to the same provider.
 */
export function leastLoaded(): Picker {
  return { pick: pickOfTwo };
}

function pickOfTwo(peers: readonly Provider[], call: PickContext): Provider | undefined {
  if (peers.length < 2) return peers[0];
  const first = indexBelow(peers.length, call.random());
  const second = indexBelow(peers.length - 1, call.random());
  const one = peers[first]!;
  const other = peers[second < first ? second : second + 1]!;
  return isBetter(call.loadOf(other), call.loadOf(one)) ? other : one;
}

function isBetter(one: ProviderLoad, other: ProviderLoad): boolean {
  if (one.latencyMs !== undefined && other.latencyMs !== undefined) {
    // Clocks give whole milliseconds: 0 would hide what is under way.
    return (one.inFlight + 1) * (one.latencyMs + 1) < (other.inFlight + 1) * (other.latencyMs + 1);
  }
  if (one.inFlight !== other.inFlight) return one.inFlight < other.inFlight;
  // One that has not been measured is worth a try.
  return one.latencyMs === undefined && other.latencyMs !== undefined;
}
