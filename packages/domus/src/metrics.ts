/**
 * The counters of a domus as one JSON-safe object (domus-api, reporting). Counters only rise; what is of the moment, and
 * may fall, says so. `metrics-delta.ts` knows which is which.
 */
import type { DomusCore } from '@flaminia/delivery-a1/internal';
import { type ErrorKind, errorKindOf } from '@flaminia/transport-a0';
import type { Connections, Gauge } from './connections.ts';
import type { HistogramMetrics, LatencyHistogram } from './latency-histogram.ts';

/** Counts of one class of messages. */
export interface ClassMetrics {
  /** Transmissions, replays included. */
  readonly messagesOut: number;
  /** Messages that have come, repetitions included. */
  readonly messagesIn: number;
  /** Payload bytes of those sent. */
  readonly bytesOut: number;
  /** Payload bytes of those that have come. */
  readonly bytesIn: number;
}

/** Counts of one kind of calles (connections). */
export interface CallisMetrics {
  /** Active at the moment. */
  readonly current: number;
  /** The most that were active at once. */
  readonly peak: number;
  /** How many became active. */
  readonly opened: number;
  /** How many of them have ended. */
  readonly closed: number;
}

/** Counts of blob streams. */
export interface BlobMetrics {
  /** Streams that this side has opened. */
  readonly openedOut: number;
  /** Streams that peers have opened. */
  readonly openedIn: number;
  /** Of both: streams that have ended well. */
  readonly completed: number;
  /** Of both: streams that failed after they had opened, whoever gave them up. */
  readonly failed: number;
  /** Transmissions of chunks, replays included. */
  readonly chunksOut: number;
  /** Their bytes. */
  readonly bytesOut: number;
  /** Chunks that have come, each counted once. */
  readonly chunksIn: number;
  /** Their bytes. */
  readonly bytesIn: number;
}

/** How full a queue is at the moment. */
export interface QueueMetrics {
  /** How many wait. */
  readonly messages: number;
  /** Payload bytes. */
  readonly bytes: number;
}

/** A number for each kind of error; kinds that never occurred are absent. */
export type ByErrorKind = Readonly<Partial<Record<ErrorKind, number>>>;

/** A snapshot: absolute counters since the domus was opened, and the state of the moment. Times in epoch milliseconds. */
export interface DomusMetrics {
  /** When the domus was opened. */
  readonly createdAt: number;
  /** Of the last `snapshotAndReset`, or as `createdAt`. */
  readonly lastResetAt: number;
  /** Of this snapshot. */
  readonly lastSnapshotAt: number;
  /** Peers with at least one active primary callis (connection): now, and the most at once. */
  readonly peers: { readonly current: number; readonly peak: number };
  /** The calles that carry messages. */
  readonly primaryCalles: CallisMetrics;
  /** The calles that carry the bytes of blob streams. */
  readonly blobCalles: CallisMetrics;
  /** Blob streams. */
  readonly blobs: BlobMetrics;
  /** Own dials, and how many of them failed. */
  readonly dials: { readonly attempts: number; readonly failures: number };
  /** Dials that found another peer than the address names, or one whose certificate is not acceptable. */
  readonly identityMismatches: number;
  /** Frames of peers that were not the protocol. */
  readonly protocolViolations: number;
  /** Peers that have lost their memory of this domus: restarts. */
  readonly sessionRestarts: number;
  /** Messages and answers that found their lane full. */
  readonly overruns: {
    readonly total: number;
    readonly ack: number;
    readonly error: number;
    readonly a2: number;
    readonly a3: number;
  };
  /** Messages of the services. */
  readonly a2: ClassMetrics;
  /** Messages of applications. */
  readonly a3: ClassMetrics;
  /** Messages that were accepted, here and by peers. */
  readonly acks: { readonly sent: number; readonly received: number };
  /** Errors on the wire, which are the answers other than acks, by kind. */
  readonly rejections: { readonly sent: ByErrorKind; readonly received: ByErrorKind };
  /** Sends of this domus, those to its own tabernae (inboxes) included. */
  readonly sends: {
    /** Sends that resolved. */
    readonly accepted: number;
    /** Failed sends by error kind, however they failed. */
    readonly failed: ByErrorKind;
    /** At the moment: messages that this domus retains, answered or not yet sent. */
    readonly retained: number;
  };
  /** From the call of an accepted send to its ack, as `Domus.send` sees it. */
  readonly sendLatency: HistogramMetrics;
  /** Requests to the tabernae (inboxes) of this domus. */
  readonly requests: {
    /** At the moment: handed out or waiting, not decided. */
    readonly undecided: number;
    /** Answered `taberna-busy` because the ingress was full. */
    readonly refusedBusy: number;
    /** Repetitions that were recognised, and not handled again. */
    readonly duplicates: number;
  };
  /** At the moment. */
  readonly queues: {
    /** Retained messages in the lanes to all peers and to this domus itself, by lane. */
    readonly a2: QueueMetrics;
    readonly a3: QueueMetrics;
    /** Acks and errors that wait to be written. */
    readonly answers: number;
    /** Requests in the tabernae (inboxes) of this domus that nobody has taken. */
    readonly ingress: QueueMetrics;
  };
  /** Messages written again on another callis. */
  readonly replays: number;
  /** Keepalives, and those among them that freed a peer which waited for bytes. */
  readonly keepalives: { readonly sent: number; readonly nudges: number };
}

/** Where a snapshot comes from. */
export interface MetricsSources {
  readonly core: DomusCore;
  readonly failures: ReadonlyMap<ErrorKind, number>;
  readonly connections: Connections;
  readonly latency: LatencyHistogram;
  readonly createdAt: number;
  readonly lastResetAt: number;
  readonly now: number;
}

/** Reads all counters. */
export function readMetrics(sources: MetricsSources): DomusMetrics {
  const { core, connections } = sources;
  const c = core.counters;
  const { queues, undecided } = readDepths(core);
  const { primaries, blobCalles } = connections;
  return {
    createdAt: sources.createdAt,
    lastResetAt: sources.lastResetAt,
    lastSnapshotAt: sources.now,
    peers: heightOf(connections.peers),
    primaryCalles: { ...heightOf(primaries), opened: c.primaryOpened, closed: c.primaryClosed },
    blobCalles: { ...heightOf(blobCalles), opened: c.blobCallesOpened, closed: c.blobCallesClosed },
    blobs: {
      openedOut: c.blobsOpenedOut,
      openedIn: c.blobsOpenedIn,
      completed: c.blobsCompleted,
      failed: c.blobsFailed,
      chunksOut: c.chunksOut,
      bytesOut: c.blobBytesOut,
      chunksIn: c.chunksIn,
      bytesIn: c.blobBytesIn,
    },
    dials: { attempts: c.dialAttempts, failures: c.dialFailures },
    identityMismatches: c.identityMismatches,
    protocolViolations: c.protocolViolations,
    sessionRestarts: c.sessionRestarts,
    overruns: {
      total: c.overrunsAck + c.overrunsError + c.overrunsA2 + c.overrunsA3,
      ack: c.overrunsAck,
      error: c.overrunsError,
      a2: c.overrunsA2,
      a3: c.overrunsA3,
    },
    a2: { messagesOut: c.messagesOutA2, messagesIn: c.messagesInA2, bytesOut: c.bytesOutA2, bytesIn: c.bytesInA2 },
    a3: { messagesOut: c.messagesOutA3, messagesIn: c.messagesInA3, bytesOut: c.bytesOutA3, bytesIn: c.bytesInA3 },
    acks: { sent: c.acksOut, received: c.acksIn },
    rejections: { sent: byKind(c.errorsOutById), received: byKind(c.errorsInById) },
    sends: {
      accepted: c.sendsAccepted,
      failed: Object.fromEntries(sources.failures),
      retained: queues.a2.messages + queues.a3.messages,
    },
    sendLatency: sources.latency.read(),
    requests: { undecided, refusedBusy: c.tabernaBusy, duplicates: c.duplicatesIn },
    queues,
    replays: c.replays,
    keepalives: { sent: c.keepalivesOut, nudges: c.nudgesOut },
  };
}

function heightOf({ current, peak }: Gauge): { readonly current: number; readonly peak: number } {
  return { current, peak };
}

/** How full everything is, which nobody counts meanwhile. */
function readDepths(core: DomusCore): { queues: DomusMetrics['queues']; undecided: number } {
  const a2 = { messages: 0, bytes: 0 };
  const a3 = { messages: 0, bytes: 0 };
  const ingress = { messages: 0, bytes: 0 };
  let answers = 0;
  let undecided = 0;
  for (const peer of core.peers.values()) {
    answers += peer.answers.waiting;
    undecided += peer.answers.inbox.undecided;
  }
  for (const { retained } of [core.local, ...core.peers.values()]) {
    a2.messages += retained.a2.count;
    a2.bytes += retained.a2.bytes;
    a3.messages += retained.a3.count;
    a3.bytes += retained.a3.bytes;
  }
  for (const taberna of core.registry.all) {
    ingress.messages += taberna.waiting;
    ingress.bytes += taberna.waitingBytes;
  }
  return { queues: { a2, a3, answers, ingress }, undecided };
}

/** Counts by wire number as counts by kind. */
function byKind(counts: Float64Array): ByErrorKind {
  const named: Partial<Record<ErrorKind, number>> = {};
  for (const [id, count] of counts.entries()) if (count > 0) named[errorKindOf(id)!] = count;
  return named;
}
