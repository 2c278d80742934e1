/** What a peer session shares with its domus: settings, counters, tabernae, and the numbers that order events. */
import type { BlobBudget } from './blob-budget.ts';
import type { Counters } from './counters.ts';
import type { Registry } from './registry.ts';
import type { DeliverySettings } from './settings.ts';
import type { CoreSink } from './sink.ts';

export interface SessionContext {
  /** Canonical address of this domus. */
  readonly address: string;
  /** Replaced as a whole by a live update; read at each use. */
  readonly settings: DeliverySettings;
  readonly sink: CoreSink;
  readonly registry: Registry;
  readonly counters: Counters;
  /** The domus shuts down: messages for tabernae that are gone are answered `domus-closed`. */
  readonly closing: boolean;
  /** What the blob streams of all peers have reserved. */
  readonly blobsOut: BlobBudget;
  readonly blobsIn: BlobBudget;
  /** A random u32 for the tables of ids. */
  readonly idSalt: number;
  /** The domus-wide sequence that orders challenges, dials and activations. */
  nextSequence(): number;
  /** A number for the next callis; rises. */
  nextSerial(): number;
  /** The session has ended and nothing is left of it. */
  forget(address: string): void;
}
