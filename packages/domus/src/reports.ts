/**
 * Collects what a domus reports. It hears every event, counts what the machine does not count, and reads the rest when it
 * is asked.
 *
 * 1. Collecting is always on, never waits, and never calls a reader from inside the machine.
 * 2. A message costs no more here than the two additions of the latency histogram; everything else is per event.
 */
import type { CoreEvent, DomusCore } from '@flaminia/delivery-a1/internal';
import type { ServicesEvent } from '@flaminia/services-a2';
import { inspectAsJson } from '@flaminia/services-a2/internal';
import type { ErrorKind } from '@flaminia/transport-a0';
import { Broadcast, type EventsOptions } from './broadcast.ts';
import { type ConnectedPeer, Connections } from './connections.ts';
import { publishEvent } from './diagnostics.ts';
import { type TabernaRef, tabernaRef } from './endpoint-text.ts';
import { ErrorLog } from './error-log.ts';
import type { EventIterator, EventsLost } from './event-feed.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type DomusMetrics, readMetrics } from './metrics.ts';
import { type MetricsDelta, metricsDelta, metricsSinceOpen } from './metrics-delta.ts';
import { type DomusEvent, type ErrorRecord, type ErrorsSince, type Reporting, reportedError } from './reporting.ts';

type WithoutTime<E> = E extends { readonly at: number } ? Omit<E, 'at'> : never;

/** An event before it has its time. */
export type UntimedEvent = WithoutTime<DomusEvent>;

export class Reports implements Reporting {
  /** Told of each accepted send. */
  readonly latency: LatencyHistogram = new LatencyHistogram();
  private readonly address: string;
  private readonly happened = new Broadcast<DomusEvent>();
  private readonly failed = new ErrorLog();
  private readonly connections = new Connections();
  private readonly createdAt = Date.now();
  private lastResetAt = this.createdAt;
  private lastReset: DomusMetrics | undefined = undefined;
  private core: DomusCore | undefined = undefined;
  private failures: ReadonlyMap<ErrorKind, number> = new Map();
  private nameOf: (hi: number, lo: number) => TabernaRef = (hi, lo) =>
    tabernaRef({ idHi: hi, idLo: lo, name: undefined });

  /** `address`: of the domus that reports. */
  constructor(address: string) {
    this.address = address;
  }

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
    const { failures, connections, latency, createdAt, lastResetAt } = this;
    return readMetrics({ core: this.core!, failures, connections, latency, createdAt, lastResetAt, now: Date.now() });
  }

  /** For JSON, and for `console.log`: whose it is. */
  toJSON(): { readonly address: string } {
    return { address: this.address };
  }

  snapshotAndReset(): MetricsDelta {
    const current = this.snapshot();
    const delta = this.lastReset === undefined ? metricsSinceOpen(current) : metricsDelta(this.lastReset, current);
    const { peers, primaries, blobCalles } = this.connections;
    this.lastReset = current;
    this.lastResetAt = current.lastSnapshotAt;
    return {
      ...delta,
      peers: { ...delta.peers, peak: peers.takeRecentPeak() },
      primaryCalles: { ...delta.primaryCalles, peak: primaries.takeRecentPeak() },
      blobCalles: { ...delta.blobCalles, peak: blobCalles.takeRecentPeak() },
    };
  }

  connectedPeers(): ConnectedPeer[] {
    return this.connections.list(this.core!);
  }

  events(options?: EventsOptions): EventIterator<DomusEvent> {
    return this.happened.subscribe(options);
  }

  errors(options?: EventsOptions): EventIterator<ErrorRecord | EventsLost> {
    return this.failed.subscribe(options);
  }

  errorsSince(seq: number, limit?: number): ErrorsSince {
    return this.failed.since(seq, limit);
  }

  /** Reports an event of the facade. */
  report(event: UntimedEvent): void {
    const timed = { ...event, at: Date.now() } as DomusEvent;
    this.happened.publish(timed);
    this.failed.note(timed);
    publishEvent(this.address, timed);
  }

  /** Reports an event of the machine. */
  reportCore(event: CoreEvent): void {
    if (event.kind === 'limited-log') return;
    this.connections.note(event);
    this.report(this.translate(event));
  }

  /** Reports an event of the services layer. */
  reportServices(event: ServicesEvent): void {
    this.report('error' in event ? { ...event, error: reportedError(event.error) } : event);
  }

  /** Ends every feed once its reader has seen what is buffered. */
  close(): void {
    this.happened.close();
    this.failed.close();
  }

  private translate(event: Exclude<CoreEvent, { kind: 'limited-log' }>): UntimedEvent {
    const { address: peer, ...rest } = event;
    if (event.kind === 'peer-dial-failed') {
      return { kind: event.kind, peer, callis: event.callis, error: reportedError(event.error) };
    }
    if (event.kind === 'blob-callis-connected') {
      const settings = { chunkSize: event.chunkBytes, ackWindow: event.window };
      return { kind: event.kind, peer, dialled: event.dialled, settings };
    }
    if (event.kind === 'backpressure-triggered') {
      return { kind: event.kind, peer, taberna: this.nameOf(event.tabernaHi, event.tabernaLo) };
    }
    return { ...rest, peer } as UntimedEvent;
  }
}

inspectAsJson({ name: 'Reporting', prototype: Reports.prototype });
