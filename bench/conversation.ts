/** What the harness and its two processes say to each other over the IPC channel: commands one way, one answer to each. */
import type { Run } from './road.ts';
import type { Latency } from './tally.ts';

/** A command to a process. A process is told to `receive` or to `send`, never both. */
export type Command =
  | { readonly kind: 'receive'; readonly run: Run }
  | { readonly kind: 'send'; readonly run: Run; readonly peers: number }
  /** Reads all meters. `settle` first collects garbage and waits until resident memory has come to rest. */
  | { readonly kind: 'read'; readonly settle: boolean }
  /** Leaves everything tidy and ends the process. */
  | { readonly kind: 'close' };

/** What a process answers. */
export type Answer =
  | { readonly kind: 'receiving' }
  | { readonly kind: 'sending'; readonly agreed: string }
  | { readonly kind: 'meters'; readonly meters: Meters }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly reason: string };

/** The meters of one process at one instant; differences of two readings are what a trial reports. */
export interface Meters {
  /** The process's own clock, in milliseconds. */
  readonly atMs: number;
  /** User and system time of all its threads since its start. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Armed timers (`setTimeout`, `setInterval`), those of sockets not counted. */
  readonly timers: number;
  /** Answered messages; 0 in a receiver. */
  readonly acked: number;
  /** Of several streams, how fairly they share (Jain's index, 1 is equal); null where there are none. */
  readonly fairness: number | null;
  /** Of the round trips since the reading before; null where none was timed. */
  readonly latency: Latency | null;
}
