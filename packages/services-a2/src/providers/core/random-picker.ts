/** Any provider, each as likely as the others. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import type { PickContext, Picker } from '../picker.ts';
import type { Provider } from '../provider.ts';
import { indexBelow, mixBits } from './hash.ts';

const NAMES: OptionNames<{ readonly seed?: number }> = { seed: true };

/** A picker that draws. With a seed, an integer of 0 to 2^32 - 1, it draws the same row each time. */
export function random(options: { readonly seed?: number } = {}): Picker {
  const { seed } = optionsOf('random', options, NAMES);
  if (seed === undefined) return { pick: (peers, call) => peers[indexBelow(peers.length, call.random())] };
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    throw outOfRange('seed', 'an integer, 0 to 2^32 - 1', seed);
  let state = seed;
  return {
    pick(peers: readonly Provider[], _call: PickContext): Provider | undefined {
      state = (state + 0x9e37_79b9) >>> 0;
      return peers[indexBelow(peers.length, mixBits(state))];
    },
  };
}
