/** The same provider for the same key, by rendezvous hashing. */

import type { PickContext, Picker } from '../picker.ts';
import type { Provider } from '../provider.ts';
import { indexBelow, mixBits, textHash } from './hash.ts';

/**
 * A picker that sends calls of one key to one provider. All clients agree on it without speaking to each other; a provider that
 * leaves takes only its own keys along, and they spread over all others; one that comes takes an equal share from each.
 *
 * @param keyOf the key of a call; default: its `key`. A call without one goes to any provider.
 */
export function sticky(keyOf: (call: PickContext) => string | undefined = ({ key }) => key): Picker {
  return {
    pick(peers: readonly Provider[], call: PickContext): Provider | undefined {
      const key = keyOf(call);
      if (key === undefined) return peers[indexBelow(peers.length, call.random())];
      return highest(peers, String(key));
    },
  };
}

function highest(peers: readonly Provider[], key: string): Provider | undefined {
  const one = textHash(key, SEED_ONE);
  const two = textHash(key, SEED_TWO);
  let best: Provider | undefined;
  let bestScore = -1;
  for (const peer of peers) {
    const score = scoreOf(peer.address, one, two);
    if (score < bestScore || (score === bestScore && best!.address < peer.address)) continue;
    best = peer;
    bestScore = score;
  }
  return best;
}

const SEED_ONE = 0x811c_9dc5;
const SEED_TWO = 0x1b87_3593;

/** 53 bits of two hashes: with 32, two addresses of a thousand would collide too often, and one of them never be chosen. */
function scoreOf(address: string, keyOne: number, keyTwo: number): number {
  const high = mixBits(textHash(address, SEED_ONE) ^ Math.imul(keyOne, 0x9e37_79b1));
  const low = mixBits(textHash(address, SEED_TWO) ^ Math.imul(keyTwo, 0x85eb_ca77));
  return high * 0x20_0000 + (low >>> 11);
}
