/** One provider after the other, in the order of their addresses. */

import type { PickContext, Picker } from '../picker.ts';
import type { Provider } from '../provider.ts';

/**
 * A picker that goes round: over stable providers all get exactly equal shares, in a fixed order. Where providers come and go, it
 * goes on behind the last one it chose, so that nobody is passed over and nobody has two turns in one round. Services
 * that share a picker have a round each.
 */
export function roundRobin(): Picker {
  return new RoundRobin();
}

interface Round {
  /** The list that `order` was made of. */
  peers: readonly Provider[] | undefined;
  order: readonly Provider[];
  /** Where in `order` the last choice stands. */
  index: number;
  last: string | undefined;
}

class RoundRobin implements Picker {
  private readonly rounds = new Map<string, Round>();

  pick(peers: readonly Provider[], { service }: PickContext): Provider | undefined {
    let round = this.rounds.get(service);
    if (round === undefined) {
      round = { peers: undefined, order: [], index: -1, last: undefined };
      this.rounds.set(service, round);
    }
    if (round.peers !== peers) reorder(round, peers);
    if (round.order.length === 0) return undefined;
    round.index = (round.index + 1) % round.order.length;
    const picked = round.order[round.index]!;
    round.last = picked.address;
    return picked;
  }
}

/** Puts the round behind the last choice, which need not be among the peers any more. */
function reorder(round: Round, peers: readonly Provider[]): void {
  // A list that may change behind the round's back is ordered for every choice.
  round.peers = Object.isFrozen(peers) ? peers : undefined;
  round.order = peers.toSorted((one, other) => (one.address < other.address ? -1 : 1));
  const { last } = round;
  const next = last === undefined ? 0 : round.order.findIndex(({ address }) => address > last);
  // Behind the last one begins the next round.
  round.index = Math.max(next, 0) - 1;
}
