/**
 * One subscriber's view of the changes of a discovery, behind an async iterator (a2-services, providers and picking).
 *
 * 1. Nothing is lost and nothing piles up: what the reader has not taken yet is kept as one net change per address, so
 *    that a peer found and gone in between is never told.
 * 2. Told in order, the changes lead from what was known at the subscription to what is known now.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { DiscoveredPeer, DiscoveryChange } from './discovery.ts';

/** A change of one peer. */
export type PeerChange = Extract<DiscoveryChange, { readonly peer: DiscoveredPeer }>;

export class ChangeFeed implements AsyncIterableIterator<DiscoveryChange> {
  private readonly signal: AbortSignal | undefined;
  private readonly ended: (feed: ChangeFeed) => void;
  private readonly pending = new Map<DomusAddr, PeerChange>();
  /** Why the source is degraded, as the reader knows it and as it is; undefined while it is not. */
  private toldTrouble: string | undefined;
  private trouble: string | undefined;
  private waiting: ((result: IteratorResult<DiscoveryChange>) => void) | undefined = undefined;
  private isOpen = true;

  /** @param trouble why the source is degraded now, which the reader is told first; undefined where it is not. */
  constructor(trouble: string | undefined, signal: AbortSignal | undefined, ended: (feed: ChangeFeed) => void) {
    this.toldTrouble = undefined;
    this.trouble = trouble;
    this.signal = signal;
    this.ended = ended;
    signal?.addEventListener('abort', this.close, { once: true });
    if (signal?.aborted === true) this.close();
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

  next(): Promise<IteratorResult<DiscoveryChange>> {
    if (this.waiting !== undefined) {
      return Promise.reject(new DomusError('invalid-state', 'these changes are being read already'));
    }
    const change = this.take();
    if (change !== undefined) return Promise.resolve({ done: false, value: change });
    if (!this.isOpen) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<DiscoveryChange>> {
    this.pending.clear();
    this.toldTrouble = this.trouble;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Lets the reader see what is pending, then ends quietly. Idempotent. */
  readonly close = (): void => {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.signal?.removeEventListener('abort', this.close);
    this.ended(this);
    this.waiting?.({ done: true, value: undefined });
    this.waiting = undefined;
  };

  private wake(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    const change = this.take();
    if (change === undefined) return;
    this.waiting = undefined;
    waiting({ done: false, value: change });
  }

  private take(): DiscoveryChange | undefined {
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
}

/** What two changes of one peer come to, for a reader that has seen neither. */
function netChange(before: PeerChange | undefined, next: PeerChange): PeerChange | undefined {
  if (before === undefined) return next;
  if (next.kind === 'gone') return before.kind === 'found' ? undefined : next;
  return { kind: before.kind === 'found' ? 'found' : 'changed', peer: next.peer };
}
