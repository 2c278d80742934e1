/**
 * One stream of events with any number of readers: each has a feed of its own, and one that asks for it begins with what
 * has happened since the stream was opened.
 *
 * 1. Publishing never waits for a reader, and costs a store where there is none.
 * 2. What has happened is kept up to HISTORY events; a feed that begins with it is first told how many are gone.
 */
import { requireSignal } from '@flaminia/services-a2/internal';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { EventFeed } from './event-feed.ts';
import { Ring } from './ring.ts';

/** Events that are kept for feeds that begin with all since `open`, and records for `errorsSince`. */
export const HISTORY = 1024;

const DEFAULT_BUFFER = 1024;
const MAX_BUFFER = 65_536;

/** Options of {@link Reporting.events} and {@link Reporting.errors}. */
export interface EventsOptions {
  /** Ends the feed quietly. */
  readonly signal?: AbortSignal;
  /** Events that wait for a slow reader, 1 to 65,536; default 1,024. */
  readonly buffer?: number;
  /** Begin with all events since `Domus.open`, of which the newest 1,024 are kept. Default: those from now on. */
  readonly fromStart?: boolean;
}

const NAMES: OptionNames<EventsOptions> = { signal: true, buffer: true, fromStart: true };

export class Broadcast<E> {
  readonly history: Ring<E> = new Ring(HISTORY);
  private readonly feeds = new Set<EventFeed<E>>();
  private isOpen = true;

  publish(event: E): void {
    this.history.push(event);
    for (const feed of this.feeds) feed.push(event);
  }

  /** A feed for one more reader. Throws `invalid-config` for an option that is none. */
  subscribe(options: EventsOptions = {}): EventFeed<E> {
    const { buffer = DEFAULT_BUFFER, signal, fromStart = false } = optionsOf('a feed', options, NAMES);
    if (!Number.isInteger(buffer) || buffer < 1 || buffer > MAX_BUFFER) {
      throw outOfRange('buffer', `an integer, 1 to ${MAX_BUFFER}`, buffer);
    }
    if (typeof fromStart !== 'boolean') throw outOfRange('fromStart', 'true or false', fromStart);
    requireSignal(signal);
    const feed = new EventFeed<E>(buffer, Date.now, signal, (ended) => this.feeds.delete(ended));
    if (signal?.aborted === true) return feed;
    if (fromStart) {
      feed.noteLost(this.history.dropped);
      for (const event of this.history.slice(0, HISTORY)) feed.push(event);
    }
    if (this.isOpen) this.feeds.add(feed);
    else feed.close();
    return feed;
  }

  /** Ends every feed once its reader has seen what is buffered. What has happened can still be read. */
  close(): void {
    this.isOpen = false;
    for (const feed of [...this.feeds]) feed.close();
  }
}
