/** The rate-limited log: each id at most once per interval, with the number of records left out (a1-wire, log ids). */
import type { LogEntry } from './options.ts';

const LABELS: Readonly<Record<number, string>> = {
  1001: 'inbound-handshake-hard-limit-reached',
  1002: 'inbound-handshake-per-peer-limit-rejected',
  1003: 'per-peer-callis-limit-rejected',
  1004: 'outbound-ready-queue-overrun',
  1005: 'duplicate-outbound-ack-response',
  1006: 'duplicate-outbound-error-response',
};

interface Limited {
  writtenAt: number;
  suppressed: number;
}

export class LimitedLog {
  private readonly write: ((entry: LogEntry) => void) | undefined;
  private readonly now: () => number;
  private readonly states = new Map<number, Limited>();

  /** `now`: a monotonic clock in milliseconds. */
  constructor(write: ((entry: LogEntry) => void) | undefined, now: () => number) {
    this.write = write;
    this.now = now;
  }

  /** Notes a record; it is written unless one of its id was within `intervalMs`, which may differ from call to call. */
  note(id: number, peer: string | undefined, intervalMs: number): void {
    if (this.write === undefined) return;
    const now = this.now();
    const state = this.states.get(id) ?? { writtenAt: Number.NEGATIVE_INFINITY, suppressed: 0 };
    this.states.set(id, state);
    if (now < state.writtenAt + intervalMs) {
      state.suppressed++;
      return;
    }
    const entry = { id, label: LABELS[id] ?? 'unknown', at: Date.now(), suppressed: state.suppressed };
    state.writtenAt = now;
    state.suppressed = 0;
    this.write(peer === undefined ? entry : { ...entry, peer });
  }
}
