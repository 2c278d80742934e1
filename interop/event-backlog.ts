/**
 * Events that a test waits for, each taken once: those that came and were not taken yet, or the next to come.
 *
 * Every wait ends: with its event, at its deadline, or with the source; a timer lives no longer than its wait.
 */

/** Time for an event to come, in milliseconds: long enough for a loaded machine; a failed test still says what it missed. */
const DEADLINE_MS = 60_000;

interface Waiter<E> {
  matches(event: E): boolean;
  take(event: E): void;
  fail(error: Error): void;
}

export class EventBacklog<E> {
  readonly #source: string;
  readonly #nameOf: (event: E) => string;
  readonly #waiting = new Set<Waiter<E>>();
  #untaken: E[] = [];
  #ended = false;

  /** `source` and `nameOf` are for the texts of errors. */
  constructor(source: string, nameOf: (event: E) => string) {
    this.#source = source;
    this.#nameOf = nameOf;
  }

  /** Gives an event to the wait that it ends, or keeps it. */
  add(event: E): void {
    for (const waiter of this.#waiting) {
      if (!waiter.matches(event)) continue;
      waiter.take(event);
      return;
    }
    this.#untaken.push(event);
  }

  /** Takes the first event that matches. `wanted` names it where none comes. */
  next<T extends E>(wanted: string, matches: (event: E) => event is T, withinMs: number = DEADLINE_MS): Promise<T> {
    const index = this.#untaken.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.#untaken.splice(index, 1)[0] as T);
    if (this.#ended) return Promise.reject(new Error(`no ${wanted} can come: ${this.#source} has ended`));
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<E> = {
        matches,
        take: (event) => {
          this.#stop(waiter, timer);
          resolve(event as T);
        },
        fail: (error) => {
          this.#stop(waiter, timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.fail(this.#missed(wanted, withinMs)), withinMs);
      this.#waiting.add(waiter);
    });
  }

  /** Takes all events that came and were not taken. */
  drain(): readonly E[] {
    const events = this.#untaken;
    this.#untaken = [];
    return events;
  }

  /** The source tells nothing any more: ends every wait with this error. */
  end(error: Error): void {
    this.#ended = true;
    for (const waiter of this.#waiting) waiter.fail(error);
  }

  #stop(waiter: Waiter<E>, timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#waiting.delete(waiter);
  }

  #missed(wanted: string, withinMs: number): Error {
    const heard = this.#untaken.map(this.#nameOf).join(', ') || 'none';
    return new Error(`no ${wanted} from ${this.#source} within ${withinMs} ms; untaken events: ${heard}`);
  }
}
