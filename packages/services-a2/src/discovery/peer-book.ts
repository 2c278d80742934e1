/**
 * What a source of peers knows, and whom it tells: the part that is the same in every discovery. A source owns one, gives
 * it the peers that it knows, and forwards `peers()` and `changes()` to it.
 *
 * 1. One entry per address, never the own one; of two with one address the first that is given counts.
 * 2. `peers()` is in the order of the addresses, so that equal knowledge gives equal lists.
 * 3. Trouble takes no peer away: the source alone decides who is gone.
 * 4. new -> open -> closed, never back; closing ends every subscription.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import { signalOf } from '../feed.ts';
import { ChangeFeed, type PeerChange } from './change-feed.ts';
import type { DiscoveredPeer, DiscoveryChange, DiscoveryHost } from './discovery.ts';
import { samePeer } from './peer-claim.ts';

export class PeerBook {
  private state: 'new' | 'open' | 'closed' = 'new';
  private own: DomusAddr | undefined = undefined;
  private byAddress = new Map<DomusAddr, DiscoveredPeer>();
  /** The peers in order, once somebody has asked for them. */
  private inOrder: readonly DiscoveredPeer[] | undefined = undefined;
  private readonly feeds = new Set<ChangeFeed>();
  private readonly troubles = new Map<string, string>();

  get isOpen(): boolean {
    return this.state === 'open';
  }

  get count(): number {
    return this.byAddress.size;
  }

  /** Why the source is degraded; undefined while it is not. */
  get trouble(): string | undefined {
    return this.troubles.size === 0 ? undefined : [...new Set(this.troubles.values())].join('; ');
  }

  peers(): readonly DiscoveredPeer[] {
    this.inOrder ??= [...this.byAddress.values()].sort(byAddress);
    return [...this.inOrder];
  }

  /** The source starts; `invalid-state` where it has before. */
  open(host: DiscoveryHost): void {
    if (this.state !== 'new') throw new DomusError('invalid-state', `this discovery was ${WORDS[this.state]} before`);
    this.state = 'open';
    this.own = host.address;
    this.replace(this.byAddress.values());
  }

  /** False where it was closed before. */
  close(): boolean {
    if (this.state === 'closed') return false;
    this.state = 'closed';
    for (const feed of [...this.feeds]) feed.close();
    return true;
  }

  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<DiscoveryChange> {
    const feed = new ChangeFeed(this.trouble, signalOf(options), (ended) => this.feeds.delete(ended));
    if (this.state === 'closed') feed.close();
    else if (options.signal?.aborted !== true) this.feeds.add(feed);
    return feed;
  }

  /** These peers are known now, and no others. */
  replace(peers: Iterable<DiscoveredPeer>): void {
    if (this.state === 'closed') return;
    const next = new Map<DomusAddr, DiscoveredPeer>();
    const changes: PeerChange[] = [];
    for (const peer of peers) {
      if (peer.address === this.own || next.has(peer.address)) continue;
      const before = this.byAddress.get(peer.address);
      const kept = before !== undefined && samePeer(before, peer) ? before : peer;
      next.set(peer.address, kept);
      if (kept !== before) changes.push({ kind: before === undefined ? 'found' : 'changed', peer });
    }
    for (const [address, peer] of this.byAddress) {
      if (!next.has(address)) changes.push({ kind: 'gone', peer });
    }
    this.byAddress = next;
    if (changes.length === 0) return;
    this.inOrder = undefined;
    changes.sort((a, b) => byAddress(a.peer, b.peer));
    for (const feed of [...this.feeds]) for (const change of changes) feed.pushPeer(change);
  }

  /** What is known of one address now; undefined: nothing. */
  set(address: DomusAddr, peer: DiscoveredPeer | undefined): void {
    const before = this.byAddress.get(address);
    if (this.state === 'closed' || address === this.own || before === peer) return;
    if (before !== undefined && peer !== undefined && samePeer(before, peer)) return;
    if (peer === undefined) this.byAddress.delete(address);
    else this.byAddress.set(address, peer);
    this.inOrder = undefined;
    const change: PeerChange =
      peer === undefined ? { kind: 'gone', peer: before! } : { kind: before === undefined ? 'found' : 'changed', peer };
    for (const feed of [...this.feeds]) feed.pushPeer(change);
  }

  /** One part of the source cannot do its work, for this reason; undefined: it can again. */
  setTrouble(part: string, reason: string | undefined): void {
    if (this.state === 'closed' || this.troubles.get(part) === reason) return;
    if (reason === undefined) this.troubles.delete(part);
    else this.troubles.set(part, reason);
    for (const feed of [...this.feeds]) feed.pushTrouble(this.trouble);
  }
}

const WORDS = { open: 'started', closed: 'stopped' } as const;

function byAddress(a: DiscoveredPeer, b: DiscoveredPeer): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}
