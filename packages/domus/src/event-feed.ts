/**
 * One subscriber's view of the events: a bounded buffer behind an async iterator. Where it overflows, the oldest events
 * give way and the reader is told how many were lost.
 */
import { DomusError } from '@flaminia/transport-a0';

/** Tells that events were lost because the reader was slower than its buffer is large. */
export interface EventsLost {
  readonly kind: 'events-lost';
  readonly at: number;
  readonly count: number;
}

export class EventFeed<E> implements AsyncIterableIterator<E | EventsLost> {
  private readonly capacity: number;
  private readonly now: () => number;
  private readonly ended: (feed: EventFeed<E>) => void;
  private readonly signal: AbortSignal | undefined;
  private buffer: E[] = [];
  private lost = 0;
  private waiting: ((result: IteratorResult<E | EventsLost>) => void) | undefined = undefined;
  private isOpen = true;

  constructor(
    capacity: number,
    now: () => number,
    signal: AbortSignal | undefined,
    ended: (feed: EventFeed<E>) => void,
  ) {
    this.capacity = capacity;
    this.now = now;
    this.ended = ended;
    this.signal = signal;
    signal?.addEventListener('abort', this.close, { once: true });
    if (signal?.aborted === true) this.close();
  }

  push(event: E): void {
    if (!this.isOpen) return;
    if (this.waiting !== undefined) {
      const { waiting } = this;
      this.waiting = undefined;
      waiting({ done: false, value: event });
      return;
    }
    if (this.buffer.length === this.capacity) {
      this.buffer.shift();
      this.lost++;
    }
    this.buffer.push(event);
  }

  /** Events that the reader could have had are gone already. */
  noteLost(count: number): void {
    this.lost += count;
  }

  next(): Promise<IteratorResult<E | EventsLost>> {
    if (this.waiting !== undefined) {
      return Promise.reject(new DomusError('invalid-state', 'this event feed is being read already'));
    }
    if (this.lost > 0) {
      const count = this.lost;
      this.lost = 0;
      return Promise.resolve({ done: false, value: { kind: 'events-lost', at: this.now(), count } });
    }
    const event = this.buffer.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (!this.isOpen) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<E | EventsLost>> {
    this.buffer = [];
    this.lost = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Lets the reader see what is buffered, then ends quietly. Idempotent. */
  readonly close = (): void => {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.signal?.removeEventListener('abort', this.close);
    this.ended(this);
    this.waiting?.({ done: true, value: undefined });
    this.waiting = undefined;
  };
}
