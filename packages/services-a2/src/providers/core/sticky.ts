/** The same provider for the same key, by rendezvous hashing. */
import { outOfRange } from '@flaminia/transport-a0';
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
  if (typeof keyOf !== 'function') throw outOfRange('keyOf', 'a function', keyOf);
  let hashed = hashesOf([]);
  return {
    pick(peers: readonly Provider[], call: PickContext): Provider | undefined {
      const key = keyOf(call);
      if (key === undefined) return peers[indexBelow(peers.length, call.random())];
      // A list that is not frozen may be another one by now.
      if (hashed.peers !== peers || !Object.isFrozen(peers)) hashed = hashesOf(peers);
      return highest(hashed, String(key));
    },
  };
}

const SEED_ONE = 0x811c_9dc5;
const SEED_TWO = 0x1b87_3593;

/** Two hashes of each address, in the order of the list. */
interface HashedPeers {
  readonly peers: readonly Provider[];
  readonly ones: Uint32Array;
  readonly twos: Uint32Array;
}

function hashesOf(peers: readonly Provider[]): HashedPeers {
  return {
    peers,
    ones: Uint32Array.from(peers, ({ address }) => textHash(address, SEED_ONE)),
    twos: Uint32Array.from(peers, ({ address }) => textHash(address, SEED_TWO)),
  };
}

/** The one with the highest score; of equal ones the first by address, whatever the order of the list. */
function highest({ peers, ones, twos }: HashedPeers, key: string): Provider | undefined {
  const keyOne = Math.imul(textHash(key, SEED_ONE), 0x9e37_79b1);
  const keyTwo = Math.imul(textHash(key, SEED_TWO), 0x85eb_ca77);
  let best: Provider | undefined;
  let bestScore = -1;
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i]!;
    const score = scoreOf(ones[i]! ^ keyOne, twos[i]! ^ keyTwo);
    if (score < bestScore || (score === bestScore && best!.address < peer.address)) continue;
    best = peer;
    bestScore = score;
  }
  return best;
}

/** 53 bits of two hashes: with 32, two addresses of a thousand would collide too often, and one of them never be chosen. */
function scoreOf(one: number, two: number): number {
  return mixBits(one) * 0x20_0000 + (mixBits(two) >>> 11);
}
