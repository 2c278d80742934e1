/** A node is suspected: who does, and until when it may answer (topology, detector). */
import type { TopologySettings } from './settings.ts';

export class Suspicion {
  readonly since: number;
  /** Who suspects; the first is why it began. */
  readonly claimers: Set<string> = new Set();
  /** Who has declared the node dead, where somebody has: it still gets the shortest time to answer. */
  deadClaimer: string | undefined = undefined;
  deadline: number;

  constructor(now: number) {
    this.since = now;
    this.deadline = Number.POSITIVE_INFINITY;
  }

  /** Takes in that somebody suspects; false where that was known or tells nothing more. */
  confirm(claimer: string, nodes: number, settings: TopologySettings): boolean {
    if (this.claimers.has(claimer) || this.claimers.size > settings.confirmations) return false;
    this.claimers.add(claimer);
    const timeout = suspicionTimeoutMs(this.claimers.size - 1, nodes, settings);
    this.deadline = Math.min(this.deadline, this.since + timeout);
    return true;
  }

  /** Takes in that somebody has declared the node dead; false where that was known. */
  condemn(claimer: string, now: number, nodes: number, settings: TopologySettings): boolean {
    if (this.deadClaimer !== undefined) return false;
    this.deadClaimer = claimer;
    this.deadline = Math.min(this.deadline, now + shortestMs(nodes, settings));
    return true;
  }
}

/**
 * How long a suspicion lasts: from the longest time with nobody to confirm it down to the shortest, by the logarithm of the
 * number of those who confirm. Without Lifeguard, and where too few nodes could confirm, it is always the shortest.
 */
export function suspicionTimeoutMs(confirmations: number, nodes: number, settings: TopologySettings): number {
  const shortest = shortestMs(nodes, settings);
  const wanted = Math.min(settings.confirmations, nodes - 2, settings.links - 1);
  if (!settings.lifeguard || wanted < 1) return shortest;
  const longest = shortest * settings.suspicionStretch;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(shortest, Math.round(longest - (longest - shortest) * share));
}

/** The shortest suspicion: it grows with the logarithm of the number of nodes, as the way of an answer does. */
export function shortestMs(nodes: number, { suspicionFactor, probePeriodMs }: TopologySettings): number {
  return Math.round(suspicionFactor * Math.max(1, Math.log10(Math.max(1, nodes))) * probePeriodMs);
}
