/** The counters of a domus as one JSON-safe object (domus-api, reporting). */
import type { DomusCore } from '@flaminia/delivery-a1/internal';
import type { ErrorKind } from '@flaminia/transport-a0';

/** Counts of one class of messages. */
export interface ClassMetrics {
  /** Transmissions, replays included. */
  readonly messagesOut: number;
  readonly messagesIn: number;
  /** Payload bytes. */
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** A snapshot: absolute counters since the domus was opened, and the state of the moment. Times in epoch milliseconds. */
export interface DomusMetrics {
  readonly createdAt: number;
  readonly lastSnapshotAt: number;
  readonly peers: { readonly current: number };
  readonly primaryCalles: { readonly current: number; readonly opened: number; readonly closed: number };
  readonly dials: { readonly attempts: number; readonly failures: number };
  readonly identityMismatches: number;
  readonly protocolViolations: number;
  readonly sessionRestarts: number;
  readonly overruns: {
    readonly total: number;
    readonly ack: number;
    readonly error: number;
    readonly a2: number;
    readonly a3: number;
  };
  readonly a2: ClassMetrics;
  readonly a3: ClassMetrics;
  readonly acks: { readonly sent: number; readonly received: number };
  readonly sends: {
    readonly accepted: number;
    /** Failed sends by error kind; kinds that never occurred are absent. */
    readonly failed: Readonly<Partial<Record<ErrorKind, number>>>;
    /** Messages that this domus retains now, answered or not yet sent. */
    readonly retained: number;
  };
  readonly requests: {
    /** Handed out or waiting, not decided. */
    readonly undecided: number;
    /** Answered `taberna-busy` because the ingress was full. */
    readonly refusedBusy: number;
    readonly duplicates: number;
  };
  readonly replays: number;
  readonly keepalives: { readonly sent: number; readonly nudges: number };
}

/** Reads the counters of a machine. */
export function readMetrics(
  core: DomusCore,
  failures: ReadonlyMap<ErrorKind, number>,
  createdAt: number,
  now: number,
): DomusMetrics {
  const c = core.counters;
  let connected = 0;
  let primaries = 0;
  let retained = core.local.retained.count;
  let undecided = 0;
  for (const peer of core.peers.values()) {
    const active = peer.calles.filter((callis) => callis.phase === 'active').length;
    if (active > 0) connected++;
    primaries += active;
    retained += peer.retained.count;
    undecided += peer.answers.inbox.undecided;
  }
  return {
    createdAt,
    lastSnapshotAt: now,
    peers: { current: connected },
    primaryCalles: { current: primaries, opened: c.primaryOpened, closed: c.primaryClosed },
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
    sends: { accepted: c.sendsAccepted, failed: Object.fromEntries(failures), retained },
    requests: { undecided, refusedBusy: c.tabernaBusy, duplicates: c.duplicatesIn },
    replays: c.replays,
    keepalives: { sent: c.keepalivesOut, nudges: c.nudgesOut },
  };
}
