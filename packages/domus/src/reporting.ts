/**
 * What a domus tells about itself while it runs (domus-api, reporting): absolute counters and a stream of events. It only
 * reads; collecting costs nothing but the counting that delivery does anyway. All values are JSON-safe.
 */
import type { CoreEvent, DomusCore, EndReason } from '@flaminia/delivery-a1/internal';
import { DomusError, type ErrorKind, outOfRange } from '@flaminia/transport-a0';
import { type TabernaRef, tabernaRef } from './endpoint-text.ts';
import { EventFeed, type EventsLost } from './event-feed.ts';
import { type DomusMetrics, readMetrics } from './metrics.ts';

/** Something that happened, as it is reported. `at` is in epoch milliseconds. */
export type DomusEvent =
  | { readonly kind: 'peer-connected'; readonly at: number; readonly peer: string; readonly freshSession: boolean }
  | { readonly kind: 'peer-disconnected'; readonly at: number; readonly peer: string; readonly reason: EndReason }
  | {
      readonly kind: 'peer-dial-failed';
      readonly at: number;
      readonly peer: string;
      readonly callis: 'primary';
      readonly error: ReportedError;
    }
  | { readonly kind: 'primary-callis-connected'; readonly at: number; readonly peer: string; readonly dialled: boolean }
  | {
      readonly kind: 'primary-callis-disconnected';
      readonly at: number;
      readonly peer: string;
      readonly reason: EndReason;
      readonly detail: string;
    }
  | { readonly kind: 'peer-session-restarted'; readonly at: number; readonly peer: string }
  | {
      readonly kind: 'backpressure-triggered';
      readonly at: number;
      readonly peer: string;
      readonly taberna: TabernaRef;
    }
  | {
      readonly kind: 'outbound-queue-overrun';
      readonly at: number;
      readonly peer: string;
      readonly tier: 'ack' | 'error' | 'a2' | 'a3';
      readonly limit: number;
      readonly msgType: number;
    }
  | {
      readonly kind: 'inbound-handshake-failed';
      readonly at: number;
      readonly remote: string;
      readonly error: ReportedError;
    }
  | { readonly kind: 'listener-failed'; readonly at: number; readonly error: ReportedError }
  | {
      readonly kind: 'handler-failed';
      readonly at: number;
      readonly taberna: TabernaRef;
      readonly error: ReportedError;
    }
  | { readonly kind: 'config-reloaded'; readonly at: number }
  | { readonly kind: 'auth-reloaded'; readonly at: number }
  | { readonly kind: 'auth-reload-failed'; readonly at: number; readonly error: ReportedError }
  | { readonly kind: 'shutdown-started'; readonly at: number }
  | { readonly kind: 'shutdown-complete'; readonly at: number }
  | EventsLost;

/** An error in an event: its kind where it is one of ours, and its text. */
export interface ReportedError {
  readonly kind: ErrorKind | undefined;
  readonly message: string;
}

/** Options of {@link Reporting.events}. */
export interface EventsOptions {
  /** Ends the feed quietly. */
  readonly signal?: AbortSignal;
  /** Events that wait for a slow reader, 1 to 65,536; default 1,024. */
  readonly buffer?: number;
}

/** The reporting side of a domus. */
export interface Reporting {
  /** Absolute counters; they never go back. */
  snapshot(): DomusMetrics;
  /** A feed of all events from now on. */
  events(options?: EventsOptions): AsyncIterableIterator<DomusEvent>;
}

const MAX_BUFFER = 65_536;

type WithoutTime<E> = E extends { readonly at: number } ? Omit<E, 'at'> : never;

export class Reports implements Reporting {
  private readonly feeds = new Set<EventFeed<DomusEvent>>();
  private readonly createdAt = Date.now();
  private isOpen = true;
  private core: DomusCore | undefined = undefined;
  private failures: ReadonlyMap<ErrorKind, number> = new Map();
  private nameOf: (hi: number, lo: number) => TabernaRef = (hi, lo) =>
    tabernaRef({ idHi: hi, idLo: lo, name: undefined });

  /** Gives what snapshots read, and the names of the own tabernae. */
  observe(
    core: DomusCore,
    failures: ReadonlyMap<ErrorKind, number>,
    nameOf: (hi: number, lo: number) => TabernaRef,
  ): void {
    this.core = core;
    this.failures = failures;
    this.nameOf = nameOf;
  }

  snapshot(): DomusMetrics {
    return readMetrics(this.core!, this.failures, this.createdAt, Date.now());
  }

  events(options: EventsOptions = {}): AsyncIterableIterator<DomusEvent> {
    const { buffer = 1024, signal } = options;
    if (!Number.isInteger(buffer) || buffer < 1 || buffer > MAX_BUFFER) {
      throw outOfRange('buffer', `an integer, 1 to ${MAX_BUFFER}`, buffer);
    }
    const feed = new EventFeed<DomusEvent>(buffer, Date.now, signal, (ended) => this.feeds.delete(ended));
    if (!this.isOpen) feed.close();
    else if (signal?.aborted !== true) this.feeds.add(feed);
    return feed;
  }

  /** Reports an event of the facade. */
  report(event: WithoutTime<DomusEvent>): void {
    if (this.feeds.size === 0) return;
    const timed = { ...event, at: Date.now() } as DomusEvent;
    for (const feed of this.feeds) feed.push(timed);
  }

  /** Reports an event of the machine. */
  reportCore(event: CoreEvent): void {
    if (this.feeds.size === 0 || event.kind === 'limited-log') return;
    this.report(this.translate(event));
  }

  /** Ends every feed once its reader has seen what is buffered. */
  close(): void {
    this.isOpen = false;
    for (const feed of [...this.feeds]) feed.close();
  }

  private translate(event: Exclude<CoreEvent, { kind: 'limited-log' }>): WithoutTime<DomusEvent> {
    const { address: peer, ...rest } = event;
    if (event.kind === 'peer-dial-failed') {
      return { kind: event.kind, peer, callis: 'primary', error: reportedError(event.error) };
    }
    if (event.kind === 'backpressure-triggered') {
      return { kind: event.kind, peer, taberna: this.nameOf(event.tabernaHi, event.tabernaLo) };
    }
    return { ...rest, peer } as WithoutTime<DomusEvent>;
  }
}

/** An error as events show it. Programs throw anything, so nothing is taken for granted about it. */
export function reportedError(error: unknown): ReportedError {
  if (DomusError.is(error)) return { kind: error.kind, message: error.message };
  try {
    return { kind: undefined, message: String(error instanceof Error ? error.message : error) };
  } catch {
    return { kind: undefined, message: 'an error without a text' };
  }
}
