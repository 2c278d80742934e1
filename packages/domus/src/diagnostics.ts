/**
 * Events and log records for tools that watch a process from within: Node's diagnostics channels `flaminia:event` and
 * `flaminia:log`. Without a subscriber nothing is made for them.
 *
 * A subscriber is called behind the step of the machine that the event comes from, never inside it: so it may use the
 * domus like anybody else. So is the program's own `log`.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import { dropPromise } from '@flaminia/transport-a0/internal';
import type { LogEntry } from './options.ts';
import type { DomusEvent } from './reporting.ts';

const events = channel('flaminia:event');
const logs = channel('flaminia:log');

/** A message of the channel `flaminia:event`. */
export interface DiagnosticsEvent {
  /** The address of the domus (node) that reports it. */
  readonly domus: string;
  readonly event: DomusEvent;
}

/** A message of the channel `flaminia:log`. */
export interface DiagnosticsLog {
  /** The address of the domus (node) that logs it. */
  readonly domus: string;
  readonly entry: LogEntry;
}

export function publishEvent(domus: string, event: DomusEvent): void {
  if (events.hasSubscribers) publishSoon(events, { domus, event } satisfies DiagnosticsEvent);
}

/** Where the rate-limited log of a domus goes: to the channel, and to the program's own `log`. */
export function logWriter(domus: string, log: ((entry: LogEntry) => void) | undefined): (entry: LogEntry) => void {
  return (entry) => {
    if (logs.hasSubscribers) publishSoon(logs, { domus, entry } satisfies DiagnosticsLog);
    if (log !== undefined) queueMicrotask(() => tell(log, entry));
  };
}

function tell(log: (entry: LogEntry) => void, entry: LogEntry): void {
  try {
    dropPromise(log(entry));
  } catch {
    // A logger that fails must not take the fabric down.
  }
}

/** What a subscriber throws is an uncaught exception of the program: Node sees to that. */
function publishSoon(to: Channel, message: DiagnosticsEvent | DiagnosticsLog): void {
  queueMicrotask(() => to.publish(message));
}
