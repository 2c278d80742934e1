/**
 * One subscriber's view of the changes of a discovery, behind an async iterator (a2-services, providers and picking).
 *
 * 1. Nothing is lost and nothing piles up: what the reader has not taken yet is kept as one net change per address, so
 *    that a peer found and gone in between is never told.
 * 2. Told in order, the changes lead from what was known at the subscription to what is known now.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import { Feed } from '../feed.ts';
import type { DiscoveredPeer, DiscoveryChange } from './discovery.ts';

/** A change of one peer. */
export type PeerChange = Extract<DiscoveryChange, { readonly peer: DiscoveredPeer }>;

export class ChangeFeed extends Feed<DiscoveryChange> {
  private readonly pending = new Map<DomusAddr, PeerChange>();
  /** Why the source is degraded, as the reader knows it and as it is; undefined while it is not. */
  private toldTrouble: string | undefined = undefined;
  private trouble: string | undefined;

  /** @param trouble why the source is degraded now, which the reader is told first; undefined where it is not. */
  constructor(trouble: string | undefined, signal: AbortSignal | undefined, ended: (feed: ChangeFeed) => void) {
    super(signal, ended);
    this.trouble = trouble;
  }

  pushPeer(change: PeerChange): void {
    if (!this.isOpen) return;
    const { address } = change.peer;
    const net = netChange(this.pending.get(address), change);
    if (net === undefined) this.pending.delete(address);
    else this.pending.set(address, net);
    this.wake();
  }

  pushTrouble(trouble: string | undefined): void {
    if (!this.isOpen) return;
    this.trouble = trouble;
    this.wake();
  }

  protected override take(): DiscoveryChange | undefined {
    if (this.trouble !== this.toldTrouble) {
      this.toldTrouble = this.trouble;
      return this.trouble === undefined ? { kind: 'restored' } : { kind: 'degraded', reason: this.trouble };
    }
    for (const [address, change] of this.pending) {
      this.pending.delete(address);
      return change;
    }
    return undefined;
  }

  protected override drop(): void {
    this.pending.clear();
    this.toldTrouble = this.trouble;
  }
}

/** What two changes of one peer come to, for a reader that has seen neither. */
function netChange(before: PeerChange | undefined, next: PeerChange): PeerChange | undefined {
  if (before === undefined) return next;
  if (next.kind === 'gone') return before.kind === 'found' ? undefined : next;
  return { kind: before.kind === 'found' ? 'found' : 'changed', peer: next.peer };
}
