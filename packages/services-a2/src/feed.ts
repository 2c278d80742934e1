/**
 * What all feeds share: one reader behind an async iterator, which waits for the next thing, and an end that is quiet. What is
 * kept for a slow reader, and what gives way, is decided by each kind of feed.
 *
 * 1. `take` is asked only by `next` and `wake`; what it gives has been told.
 * 2. After `close` the reader still gets what `take` has, then the end.
 */
import { DomusError, type OptionNames, optionsOf } from '@flaminia/transport-a0';
import { requireSignal } from './require-signal.ts';
import { watchedSignals } from './signal-watch.ts';

/** Options of feeds of changes. */
export interface ChangesOptions {
  /** Ends the feed quietly. */
  readonly signal?: AbortSignal;
}

const CHANGES_OPTIONS: OptionNames<ChangesOptions> = { signal: true };

/** The signal of a feed of changes; `invalid-config` for an option that is none. */
export function signalOf(options: ChangesOptions): AbortSignal | undefined {
  return optionsOf('changes', options, CHANGES_OPTIONS).signal;
}

export abstract class Feed<T> implements AsyncIterableIterator<T> {
  private readonly signal: AbortSignal | undefined;
  private readonly ended: (feed: this) => void;
  private waiting: ((result: IteratorResult<T>) => void) | undefined = undefined;
  private isEnded = false;

  /** `ended` is told once, at the end. The signal ends the feed, also one that was aborted before. */
  constructor(signal: AbortSignal | undefined, ended: (feed: never) => void) {
    requireSignal(signal);
    this.signal = signal;
    this.ended = ended as (feed: this) => void;
    if (signal?.aborted === true) this.close();
    else if (signal !== undefined) watchedSignals.add(signal, this);
  }

  /** Nothing is taken in any more. */
  get isOpen(): boolean {
    return !this.isEnded;
  }

  /** Rejects with `invalid-state` while another `next` waits. */
  next(): Promise<IteratorResult<T>> {
    if (this.waiting !== undefined) {
      return Promise.reject(new DomusError('invalid-state', 'this feed is being read already'));
    }
    const value = this.take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.drop();
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Lets the reader see what is kept, then ends quietly. Idempotent. */
  readonly close = (): void => {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.signal !== undefined) watchedSignals.delete(this.signal, this);
    this.ended(this);
    this.waiting?.({ done: true, value: undefined });
    this.waiting = undefined;
  };

  /** @internal Its signal has ended. */
  aborted(): void {
    this.close();
  }

  /** The next thing for the reader; undefined where there is none. */
  protected abstract take(): T | undefined;

  /** The reader has left: nothing is kept. */
  protected abstract drop(): void;

  /** Something may be there for a reader that waits. */
  protected wake(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    const value = this.take();
    if (value === undefined) return;
    this.waiting = undefined;
    waiting({ done: false, value });
  }
}
