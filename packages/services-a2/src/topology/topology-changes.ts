/**
 * The changes of a topology, behind an async iterator. What a slow reader leaves lying is bounded: beyond that it is told how
 * many it has missed, and reads `nodes()` again.
 */
import { DomusError } from '@flaminia/transport-a0';
import type { TopologyEvent } from './core/topology-sink.ts';

/** One change, or the number of those that were dropped. */
export type TopologyChange = TopologyEvent | { readonly kind: 'missed'; readonly count: number };

/** Changes kept for a reader. */
const KEPT = 1024;

export class TopologyChanges implements AsyncIterableIterator<TopologyChange> {
  private readonly signal: AbortSignal | undefined;
  private readonly ended: (changes: TopologyChanges) => void;
  private pending: TopologyEvent[] = [];
  private missed = 0;
  private waiting: ((result: IteratorResult<TopologyChange>) => void) | undefined = undefined;
  private isOpen = true;

  constructor(signal: AbortSignal | undefined, ended: (changes: TopologyChanges) => void) {
    this.signal = signal;
    this.ended = ended;
    signal?.addEventListener('abort', this.close, { once: true });
    if (signal?.aborted === true) this.close();
  }

  push(event: TopologyEvent): void {
    if (!this.isOpen) return;
    const { waiting } = this;
    if (waiting !== undefined) {
      this.waiting = undefined;
      waiting({ done: false, value: event });
      return;
    }
    this.pending.push(event);
    if (this.pending.length <= KEPT) return;
    this.missed += this.pending.length;
    this.pending = [];
  }

  next(): Promise<IteratorResult<TopologyChange>> {
    if (this.waiting !== undefined) {
      return Promise.reject(new DomusError('invalid-state', 'these changes are being read already'));
    }
    const value = this.take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (!this.isOpen) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<TopologyChange>> {
    this.pending = [];
    this.missed = 0;
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

  private take(): TopologyChange | undefined {
    if (this.missed === 0) return this.pending.shift();
    const count = this.missed;
    this.missed = 0;
    return { kind: 'missed', count };
  }
}
