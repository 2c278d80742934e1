/**
 * Those who wait until a service has enough providers (a2-services, providers and picking).
 *
 * 1. Each waiter is told once, and is forgotten before it is told.
 * 2. `nextDeadline` is never later than the earliest deadline, and may be earlier: thousands of calls wait and are given up, and
 *    only `tell` looks at all.
 */
import { outOfRange } from '@flaminia/transport-a0';

/** There are too few providers. */
export interface ProviderShortage {
  /** `service/version`. */
  readonly service: string;
  readonly wanted: number;
  readonly found: number;
  /** A sentence that names all three. */
  readonly text: string;
}

/** Exactly one of its methods is called, once; `ready` possibly from inside `wait`. */
export interface ProviderWaiter {
  ready(found: number): void;
  timedOut(shortage: ProviderShortage): void;
  /** The table was closed first. */
  closed(): void;
}

/** A wait that can be given up. */
export interface ProviderWait {
  /** Nothing will be told any more. Idempotent. */
  cancel(): void;
}

interface Waiting {
  readonly wanted: number;
  readonly deadline: number;
  readonly waiter: ProviderWaiter;
}

const NEVER = Number.POSITIVE_INFINITY;
const MAX_WANTED = 100_000;
const NO_WAIT: ProviderWait = { cancel: () => {} };

export class ProviderWaits {
  private readonly service: string;
  private readonly waiting = new Set<Waiting>();
  private isClosed = false;
  private next = NEVER;

  constructor(service: string) {
    this.service = service;
  }

  /** How many wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** @param wanted an integer, 0 to 100,000; 0 does not wait. */
  wait(wanted: number, found: number, deadline: number, waiter: ProviderWaiter): ProviderWait {
    if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAX_WANTED) {
      throw outOfRange('minProviders', `an integer, 0 to ${MAX_WANTED}`, wanted);
    }
    if (this.isClosed || found >= wanted) {
      if (this.isClosed) waiter.closed();
      else waiter.ready(found);
      return NO_WAIT;
    }
    const entry = { wanted, deadline, waiter };
    this.waiting.add(entry);
    this.next = Math.min(this.next, deadline);
    return {
      cancel: () => {
        this.waiting.delete(entry);
      },
    };
  }

  nextDeadline(): number {
    return this.waiting.size === 0 ? NEVER : this.next;
  }

  /** Tells those whose wish has come true, then those whose time is up. */
  tell(found: number, now: number): void {
    if (this.waiting.size === 0) {
      this.next = NEVER;
      return;
    }
    let next = NEVER;
    for (const { deadline, wanted } of this.waiting)
      if (found < wanted && deadline > now) next = Math.min(next, deadline);
    // Before anybody is told, who may wait again.
    this.next = next;
    for (const entry of [...this.waiting]) {
      if (found >= entry.wanted) {
        if (this.waiting.delete(entry)) entry.waiter.ready(found);
      } else if (entry.deadline <= now && this.waiting.delete(entry)) {
        entry.waiter.timedOut(shortageOf(this.service, entry.wanted, found));
      }
    }
  }

  close(): void {
    this.isClosed = true;
    for (const entry of [...this.waiting]) {
      if (this.waiting.delete(entry)) entry.waiter.closed();
    }
  }
}

/** The shortage of providers of a service, in words as well. */
export function shortageOf(service: string, wanted: number, found: number): ProviderShortage {
  const text = `${service} has ${found} provider${found === 1 ? '' : 's'} of the ${wanted} wanted`;
  return Object.freeze({ service, wanted, found, text });
}
