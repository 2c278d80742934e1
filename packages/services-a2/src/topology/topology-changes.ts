/**
 * The changes of a topology, behind an async iterator. What a slow reader leaves lying is bounded: beyond that it is told how
 * many it has missed, and reads `nodes()` again.
 */
import { Feed } from '../feed.ts';
import type { TopologyEvent } from './core/topology-sink.ts';

/** One change, or the number of those that were dropped. */
export type TopologyChange = TopologyEvent | { readonly kind: 'missed'; readonly count: number };

/** Changes kept for a reader. */
const KEPT = 1024;

export class TopologyChanges extends Feed<TopologyChange> {
  private pending: TopologyEvent[] = [];
  private missed = 0;

  push(event: TopologyEvent): void {
    if (!this.isOpen) return;
    this.pending.push(event);
    this.wake();
    if (this.pending.length <= KEPT) return;
    this.missed += this.pending.length;
    this.pending = [];
  }

  protected override take(): TopologyChange | undefined {
    if (this.missed === 0) return this.pending.shift();
    const count = this.missed;
    this.missed = 0;
    return { kind: 'missed', count };
  }

  protected override drop(): void {
    this.pending = [];
    this.missed = 0;
  }
}
