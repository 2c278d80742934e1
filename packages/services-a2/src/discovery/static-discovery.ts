/** A list of peers that the application keeps (a2-services, providers and picking). */
import { outOfRange } from '@flaminia/transport-a0';
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from './discovery.ts';
import { PeerBook } from './peer-book.ts';
import { checkClaim } from './peer-claim.ts';

/** A peer of a list: its address alone, which makes it a seed, or whatever is known of it. */
export type StaticPeer = string | (Pick<DiscoveredPeer, 'address'> & Partial<DiscoveredPeer>);

/** A discovery whose peers the application sets. */
export interface StaticDiscovery extends Discovery {
  /** Replaces the list. A peer that is none is `invalid-config`, and changes nothing. */
  set(peers: Iterable<StaticPeer>): void;
}

/**
 * Makes a discovery from a list. It announces nothing and is never degraded.
 *
 * @param peers addresses or peers; of two with one address the first counts. A peer without `services` provides nothing.
 */
export function staticDiscovery(peers: Iterable<StaticPeer> = []): StaticDiscovery {
  return new PeerList(peers);
}

class PeerList implements StaticDiscovery {
  readonly serviceType = 'static';
  private readonly book = new PeerBook();

  constructor(peers: Iterable<StaticPeer>) {
    this.set(peers);
  }

  get peerCount(): number {
    return this.book.count;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.book.peers();
  }

  set(peers: Iterable<StaticPeer>): void {
    if (typeof peers !== 'object' || typeof peers?.[Symbol.iterator] !== 'function') {
      throw outOfRange('peers', 'a list of addresses and peers', peers);
    }
    this.book.replace([...peers].map(checkedPeer));
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.book.open(host);
  }

  announce(): void {}

  async stop(): Promise<void> {
    this.book.close();
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }
}

function checkedPeer(given: StaticPeer): DiscoveredPeer {
  const claim = typeof given === 'string' ? { address: given } : given;
  if (typeof claim !== 'object' || claim === null) throw outOfRange('peer', 'an address or a peer', given);
  const checked = checkClaim(claim);
  if (!checked.ok) throw outOfRange('peer', `one whose ${checked.reason}`, claim.address);
  return checked.peer;
}
