/** What has happened between two snapshots (domus-api, reporting): counters subtracted, the state of the moment kept. */
import { type ErrorKind, outOfRange } from '@flaminia/transport-a0';
import type { HistogramMetrics } from './latency-histogram.ts';
import type { ByErrorKind, CallisMetrics, DomusMetrics } from './metrics.ts';

/**
 * The shape of a snapshot, with what its counters have gained. What is of the moment (`current`, `retained`,
 * `undecided`, `queues`), peaks and times are those of the later snapshot.
 */
export interface MetricsDelta extends DomusMetrics {
  /** How long it took, in milliseconds of the wall clock; rates are counters divided by this. */
  readonly intervalMs: number;
}

/**
 * What `current` has more than `previous`, an earlier snapshot of the same domus; any number of programs may each keep a
 * `previous` of their own. Where `previous` is of an earlier domus, which its `createdAt` tells, everything in `current`
 * is new. Peaks are those since `Domus.open`: only `snapshotAndReset` knows them for an interval. Throws `invalid-config` for what is
 * no snapshot.
 */
export function metricsDelta(previous: DomusMetrics, current: DomusMetrics): MetricsDelta {
  requireSnapshot('previous', previous);
  requireSnapshot('current', current);
  if (previous.createdAt !== current.createdAt) return metricsSinceOpen(current);
  return {
    ...current,
    intervalMs: current.lastSnapshotAt - previous.lastSnapshotAt,
    primaryCalles: gainedCalles(previous.primaryCalles, current.primaryCalles),
    blobCalles: gainedCalles(previous.blobCalles, current.blobCalles),
    blobs: gained(previous.blobs, current.blobs),
    dials: gained(previous.dials, current.dials),
    identityMismatches: current.identityMismatches - previous.identityMismatches,
    protocolViolations: current.protocolViolations - previous.protocolViolations,
    sessionRestarts: current.sessionRestarts - previous.sessionRestarts,
    overruns: gained(previous.overruns, current.overruns),
    a2: gained(previous.a2, current.a2),
    a3: gained(previous.a3, current.a3),
    acks: gained(previous.acks, current.acks),
    rejections: {
      sent: gainedByKind(previous.rejections.sent, current.rejections.sent),
      received: gainedByKind(previous.rejections.received, current.rejections.received),
    },
    sends: {
      accepted: current.sends.accepted - previous.sends.accepted,
      failed: gainedByKind(previous.sends.failed, current.sends.failed),
      retained: current.sends.retained,
    },
    sendLatency: gainedValues(previous.sendLatency, current.sendLatency),
    requests: { ...gained(previous.requests, current.requests), undecided: current.requests.undecided },
    replays: current.replays - previous.replays,
    keepalives: gained(previous.keepalives, current.keepalives),
  };
}

/** A whole snapshot as the delta since `Domus.open`. */
export function metricsSinceOpen(current: DomusMetrics): MetricsDelta {
  return { ...current, intervalMs: current.lastSnapshotAt - current.createdAt };
}

function requireSnapshot(field: string, given: DomusMetrics): void {
  if (typeof given?.createdAt !== 'number') throw outOfRange(field, 'a snapshot of domus.reporting', given);
}

function gained<T extends { readonly [K in keyof T]: number }>(previous: T, current: T): T {
  const names = Object.keys(current) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, current[name] - previous[name]])) as T;
}

function gainedCalles(previous: CallisMetrics, { current, peak, ...totals }: CallisMetrics): CallisMetrics {
  return { current, peak, opened: totals.opened - previous.opened, closed: totals.closed - previous.closed };
}

/** Kinds that have not occurred meanwhile are absent, as in a snapshot. */
function gainedByKind(previous: ByErrorKind, current: ByErrorKind): ByErrorKind {
  const kinds = Object.entries(current) as [ErrorKind, number][];
  const gains = kinds.map(([kind, count]) => [kind, count - (previous[kind] ?? 0)] as const);
  return Object.fromEntries(gains.filter(([, count]) => count !== 0));
}

function gainedValues(previous: HistogramMetrics, current: HistogramMetrics): HistogramMetrics {
  return {
    boundsMs: current.boundsMs,
    counts: current.counts.map((count, bucket) => count - previous.counts[bucket]!),
    count: current.count - previous.count,
    sumMs: current.sumMs - previous.sumMs,
  };
}
