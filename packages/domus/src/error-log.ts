/**
 * The errors of a domus as records: what each event tells of that is wrong, numbered in the order in which it happened.
 * Which events are errors stands in one place here, and in docs/reporting.md.
 */
import { type ErrorKind, outOfRange } from '@flaminia/transport-a0';
import { Broadcast, type EventsOptions, HISTORY } from './broadcast.ts';
import type { EventFeed } from './event-feed.ts';
import type { DomusEvent, ErrorRecord, ErrorsSince, ReportedError } from './reporting.ts';

const DEFAULT_LIMIT = 100;

export class ErrorLog {
  private readonly records = new Broadcast<ErrorRecord>();
  private lastSeq = 0;

  /** Keeps what the event tells of an error, if it does. */
  note(event: DomusEvent): void {
    const error = errorOf(event);
    if (error === undefined) return;
    this.records.publish({
      seq: ++this.lastSeq,
      at: event.at,
      event: event.kind,
      error,
      ...('peer' in event ? { peer: event.peer } : {}),
      ...('remote' in event ? { remote: event.remote } : {}),
      ...('taberna' in event ? { taberna: event.taberna } : {}),
    });
  }

  subscribe(options?: EventsOptions): EventFeed<ErrorRecord> {
    return this.records.subscribe(options);
  }

  /** The records behind `seq`, as {@link Reporting.errorsSince} tells. Throws `invalid-config` for numbers out of range. */
  since(seq: number, limit: number = DEFAULT_LIMIT): ErrorsSince {
    if (!Number.isSafeInteger(seq) || seq < 0) throw outOfRange('seq', 'an integer, 0 or more', seq);
    if (!Number.isInteger(limit) || limit < 1 || limit > HISTORY) {
      throw outOfRange('limit', `an integer, 1 to ${HISTORY}`, limit);
    }
    const { history } = this.records;
    // A number that was never given comes from an earlier domus at this address.
    const from = seq > this.lastSeq ? 0 : seq;
    // The records that are gone have the numbers up to `dropped`.
    const errors = history.slice(Math.max(0, from - history.dropped), limit);
    return { errors, lost: Math.max(0, history.dropped - from), next: errors.at(-1)?.seq ?? this.lastSeq };
  }

  close(): void {
    this.records.close();
  }
}

/** What is wrong where this event happens; undefined where nothing is. */
function errorOf(event: DomusEvent): ReportedError | undefined {
  switch (event.kind) {
    case 'peer-dial-failed':
    case 'inbound-handshake-failed':
    case 'listener-failed':
    case 'handler-failed':
    case 'auth-reload-failed':
    case 'procedure-failed':
      return event.error;
    case 'call-refused':
      return { kind: undefined, message: `a call of ${event.procedure} was refused: ${event.reason}` };
    case 'protocol-violation':
      return said('protocol-violation', event.detail);
    case 'primary-callis-disconnected':
    case 'blob-callis-disconnected': {
      const isLoss = event.reason === 'connection-lost' || event.reason === 'write-stalled';
      return isLoss ? said('connection-lost', event.detail || event.reason) : undefined;
    }
    case 'peer-disconnected':
      return event.reason === 'unreachable'
        ? said('peer-unavailable', 'the peer could not be reached again')
        : undefined;
    case 'peer-session-restarted':
      return said('peer-restarted', 'the peer has restarted');
    case 'outbound-queue-overrun':
      return said('local-queue-full', `the ${event.tier} lane to this peer is full (${event.limit})`);
    case 'backpressure-triggered':
      return said('taberna-busy', 'the ingress of the taberna (inbox) is full');
    default:
      return undefined;
  }
}

/** As the text of a DomusError: its kind comes first. */
function said(kind: ErrorKind, text: string): ReportedError {
  return { kind, message: `${kind}: ${text}` };
}
