/**
 * What a domus tells about itself while it runs (domus-api, reporting): absolute counters, who is connected, events and
 * errors. This file is the contract; `reports.ts` collects. All values are JSON-safe.
 */
import type { EndReason, LaneName } from '@flaminia/delivery-a1/internal';
import type { ServicesEvent } from '@flaminia/services-a2';
import { DomusError, type ErrorKind } from '@flaminia/transport-a0';
import type { EventsOptions } from './broadcast.ts';
import type { BlobWindow } from './config.ts';
import type { ConnectedPeer } from './connections.ts';
import type { TabernaRef } from './endpoint-text.ts';
import type { EventIterator, EventsLost } from './event-feed.ts';
import type { DomusMetrics } from './metrics.ts';
import type { MetricsDelta } from './metrics-delta.ts';

/** Something that happened, as it is reported. `at` is in epoch milliseconds. */
export type DomusEvent =
  | { readonly kind: 'peer-connected'; readonly at: number; readonly peer: string; readonly freshSession: boolean }
  | { readonly kind: 'peer-disconnected'; readonly at: number; readonly peer: string; readonly reason: EndReason }
  | {
      readonly kind: 'peer-dial-failed';
      readonly at: number;
      readonly peer: string;
      readonly callis: 'primary' | 'blob';
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
  | {
      readonly kind: 'blob-callis-connected';
      readonly at: number;
      readonly peer: string;
      readonly dialled: boolean;
      /** What both sides agreed on. */
      readonly settings: BlobWindow;
    }
  | {
      readonly kind: 'blob-callis-disconnected';
      readonly at: number;
      readonly peer: string;
      readonly reason: EndReason;
      readonly detail: string;
    }
  | { readonly kind: 'peer-session-restarted'; readonly at: number; readonly peer: string }
  | { readonly kind: 'protocol-violation'; readonly at: number; readonly peer: string; readonly detail: string }
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
      readonly tier: LaneName;
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
  | (ReportedServicesEvent & { readonly at: number })
  | { readonly kind: 'config-reloaded'; readonly at: number }
  | { readonly kind: 'auth-reloaded'; readonly at: number }
  | { readonly kind: 'auth-reload-failed'; readonly at: number; readonly error: ReportedError }
  | { readonly kind: 'shutdown-started'; readonly at: number }
  | { readonly kind: 'shutdown-complete'; readonly at: number }
  | EventsLost;

/** An event of the services layer, with its error as events show it. */
export type ReportedServicesEvent = Reported<ServicesEvent>;
type Reported<E> = E extends { readonly error: unknown } ? Omit<E, 'error'> & { readonly error: ReportedError } : E;

/** An error in an event: its kind where it is one of ours, and its text. */
export interface ReportedError {
  /** Undefined where it is no error of this library, such as what a handler threw. */
  readonly kind: ErrorKind | undefined;
  /** For people; it may change. */
  readonly message: string;
}

/** An error that a domus has met: its own, its peers' and its handlers'. Which events are errors: docs/reporting.md. */
export interface ErrorRecord {
  /** Its number: the first error of a domus has 1, and each has one more than the one before. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The kind of the event that tells of it. */
  readonly event: DomusEvent['kind'];
  /** What was wrong. */
  readonly error: ReportedError;
  /** The address of the peer concerned. */
  readonly peer?: string;
  /** Where an inbound connection came from that has not proved who it is. */
  readonly remote?: string;
  /** The inbox concerned. */
  readonly taberna?: TabernaRef;
}

/** What {@link Reporting.errorsSince} gives. */
export interface ErrorsSince {
  /** The oldest first. */
  readonly errors: readonly ErrorRecord[];
  /** Errors behind the given number, and before the first of these, that are not kept any more. */
  readonly lost: number;
  /** The number to ask with next. */
  readonly next: number;
}

/** The reporting side of a domus (node). Nothing here waits for the fabric or slows it. */
export interface Reporting {
  /** Absolute counters since `Domus.open`, which never go back, and the state of the moment. */
  snapshot(): DomusMetrics;
  /**
   * What has happened since the last call, or since `Domus.open`; for one poller alone. Peaks are those of this time, and
   * fall back to the current values. Any number of pollers keep their own snapshots and use {@link metricsDelta}.
   */
  snapshotAndReset(): MetricsDelta;
  /** The peers with at least one active primary callis (connection), in the order in which they came. */
  connectedPeers(): ConnectedPeer[];
  /** A feed of all events from now on, or since `Domus.open`. Throws `invalid-config` for an option out of range. */
  events(options?: EventsOptions): EventIterator<DomusEvent>;
  /** The same of errors. */
  errors(options?: EventsOptions): EventIterator<ErrorRecord | EventsLost>;
  /**
   * The errors with a number above `seq`, of which the newest 1,024 are kept: for a program that asks from time to time,
   * first with 0, then with the `next` of the last answer. `limit`: 1 to 1,024, default 100. A `seq` that this domus
   * has never given counts as 0. Throws `invalid-config` for numbers out of range.
   */
  errorsSince(seq: number, limit?: number): ErrorsSince;
}

/** An error as events show it. Programs throw anything, so nothing is taken for granted about it. */
export function reportedError(error: unknown): ReportedError {
  try {
    if (DomusError.is(error)) return { kind: error.kind, message: error.message };
    return { kind: undefined, message: String(error instanceof Error ? error.message : error) };
  } catch {
    return { kind: undefined, message: 'an error without a text' };
  }
}
