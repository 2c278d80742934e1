/**
 * One subscriber's view of the events: a bounded buffer behind an async iterator. Where it overflows, the oldest events
 * give way and the reader is told how many were lost.
 */
import { Feed } from '@flaminia/services-a2/internal';

/** Tells that events were lost because the reader was slower than its buffer is large. */
export interface EventsLost {
  readonly kind: 'events-lost';
  /** Epoch milliseconds. */
  readonly at: number;
  /** How many, 1 or more. */
  readonly count: number;
}

/**
 * A feed as its reader sees it: `for await` reads it; `break`, `return()`, disposal and the signal end it. One that is merely
 * dropped goes on, and keeps its buffer, until the shutdown.
 */
export type EventIterator<E> = AsyncIterableIterator<E> & AsyncDisposable;

export class EventFeed<E> extends Feed<E | EventsLost> implements AsyncDisposable {
  private readonly capacity: number;
  private readonly now: () => number;
  /** From `first` on; what stands before is gone. */
  private buffer: (E | undefined)[] = [];
  private first = 0;
  private lost = 0;

  constructor(
    capacity: number,
    now: () => number,
    signal: AbortSignal | undefined,
    ended: (feed: EventFeed<E>) => void,
  ) {
    super(signal, ended);
    this.capacity = capacity;
    this.now = now;
  }

  push(event: E): void {
    if (!this.isOpen) return;
    if (this.buffer.length - this.first === this.capacity) {
      this.oldest();
      this.lost++;
    }
    this.buffer.push(event);
    this.wake();
  }

  /** As a `break` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Events that the reader could have had are gone already. */
  noteLost(count: number): void {
    this.lost += count;
  }

  protected override take(): E | EventsLost | undefined {
    if (this.lost === 0) return this.oldest();
    const count = this.lost;
    this.lost = 0;
    return { kind: 'events-lost', at: this.now(), count };
  }

  protected override drop(): void {
    this.buffer = [];
    this.first = 0;
    this.lost = 0;
  }

  /** Takes one out. To shift a large array is to move all of it, so that is done once for half of it. */
  private oldest(): E | undefined {
    const event = this.buffer[this.first];
    if (event === undefined) return undefined;
    this.buffer[this.first++] = undefined;
    if (this.first * 2 > this.buffer.length) {
      this.buffer.splice(0, this.first);
      this.first = 0;
    }
    return event;
  }
}
