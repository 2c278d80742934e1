/**
 * What travels between a test and the Rust program: its settings, events and reports.
 * rust-peer/src/peer.rs and output.rs are the other end.
 */
import type { DomusAddr, ErrorKind } from '@flaminia/transport-a0';

/** Settings of the crate, by the names and units of docs/protocol/config.md; what is absent keeps the crate's default. */
export interface RustConfig {
  readonly sendQueueSize?: number;
  readonly sendTimeout?: number;
  readonly callisConnectTimeout?: number;
  readonly acceptTimeout?: number;
  readonly tabernaAcceptQueueSize?: number;
  readonly keepaliveInterval?: number;
  readonly listenerDelay?: number;
  readonly listenerReconnectTimeout?: number;
  readonly reconnectBackoff?: readonly number[];
  readonly socketCallbackTimeout?: number;
  readonly socketHandshakeTimeout?: number;
  readonly tcpCallbackTimeout?: number;
  readonly tcpHandshakeTimeout?: number;
  readonly limitedLogInterval?: number;
  readonly inboundHandshakeLimitTotal?: number;
  readonly inboundHandshakeLimitPerPeer?: number;
  readonly maxParallelCallisPerPeer?: number;
  readonly blobWindow?: { readonly chunkSize: number; readonly ackWindow: number };
  readonly blobOutboundBufferBytes?: number;
  readonly blobInboundBufferBytes?: number;
  readonly maxPayloadLen?: number;
}

/**
 * What a taberna of the Rust program does with its requests: `hold` takes and keeps them until they are decided,
 * `undecodable` has a codec that refuses every message, `untaken` never takes any, `slowMs` accepts one after the other.
 */
export type RustMode = 'accept' | 'reject' | 'hold' | 'undecodable' | 'untaken' | { readonly slowMs: number };

/**
 * How a taberna of the Rust program reads its blobs; as fast as it can where nothing is said. One that has stopped goes on, or is
 * dropped, by order; `pauseMs` is the rest after each piece of at most 128 KiB.
 */
export type RustReading =
  | { readonly stopAfterBytes: number }
  | { readonly dropAfterBytes: number }
  | { readonly pauseMs: number };

/** A blob that the Rust program sends. */
export interface RustBlob {
  readonly taberna: bigint;
  /** The number of its message and the seed of its bytes: it names the blob. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Bytes of one write; default 64 KiB. */
  readonly pieceBytes?: number;
  /** Stops at so many bytes and waits for an order. */
  readonly stopAfterBytes?: number;
}

/** A call of a procedure that the Rust program makes; its input is `a` and `b`, or `input`. */
export interface RustCall {
  readonly taberna: bigint;
  /** `service/version/procedure`. */
  readonly name: string;
  /** By its number; default 0, unary. */
  readonly kind?: number;
  readonly a?: number;
  readonly b?: number;
  readonly input?: number | string;
  /** Milliseconds; no limit by default. */
  readonly remaining?: number;
  /** Bytes of outputs that may be on their way; default 0. */
  readonly credit?: number;
  /** Cancels a stream of outputs after so many items. */
  readonly leaveAfter?: number;
}

/** How such a call ended. A call that A1 could not deliver rejects instead. */
export type RustCallReport =
  | { readonly end: 'taken' }
  | { readonly end: 'answer'; readonly value: number | null }
  | { readonly end: 'failure'; readonly code: string; readonly message: string }
  | { readonly end: 'end' | 'left'; readonly items: number; readonly sum: number };

/** What the crate says of a failure. */
export interface RustFailure {
  readonly kind: ErrorKind;
  readonly text: string;
}

/** What became of a sent blob. */
export interface RustBlobReport {
  /** `whole` when the crate's shutdown of the stream has succeeded; otherwise where it failed, or dropped by order. */
  readonly end: 'whole' | 'dropped' | 'opening' | 'writing' | 'ending';
  readonly failure: RustFailure | null;
  /** Bytes that the crate took. */
  readonly written: number;
  readonly elapsedMs: number;
}

/** A taberna has done with a blob. */
export interface RustBlobRead {
  readonly event: 'blob-read';
  readonly taberna: bigint;
  readonly number: number;
  readonly bytes: number;
  /** Of the bytes read. */
  readonly sha256: string;
  readonly end: 'whole' | 'dropped' | 'failed';
  readonly failure: RustFailure | null;
}

/** Which end of a blob is in the Rust program. */
export type RustSide = 'sending' | 'reading';

/** A run of sends. Without `payload` each message carries the numbered payload of its sequence number. */
export interface RustRun {
  readonly taberna: bigint;
  /** How many messages; default 1. */
  readonly count?: number;
  /** How many of them are under way at once; default 1. */
  readonly depth?: number;
  /** Bytes of a numbered payload; default 64. */
  readonly sizeBytes?: number;
  /** Sequence number of the first; default 0. */
  readonly first?: number;
  /** Message type; default 0x0100_0000. */
  readonly type?: number;
  readonly payload?: Uint8Array;
}

/** What became of a run of sends. */
export interface RustRunReport {
  readonly accepted: number;
  readonly byError: Readonly<Partial<Record<ErrorKind, number>>>;
  /** The failures one by one, the first 1,000 of them. */
  readonly failures: readonly { readonly sequence: number; readonly kind: ErrorKind; readonly text: string }[];
  readonly elapsedMs: number;
  readonly medianMicros: number;
  readonly maxMicros: number;
}

/** What has come to one taberna. `distinct` and those after it count numbered payloads only. */
export interface RustTally {
  readonly received: number;
  readonly bytes: number;
  readonly distinct: number;
  readonly repeated: number;
  /** Came behind a message with a higher number, or the same. */
  readonly disordered: number;
  readonly damaged: number;
}

/** The crate's own counters. */
export interface RustMetrics {
  readonly currentPeers: number;
  readonly currentPrimaryCallis: number;
  readonly currentBlobCallis: number;
  readonly totalPrimaryOpened: number;
  readonly totalPrimaryClosed: number;
  readonly totalDialAttempts: number;
  readonly totalDialFailures: number;
  readonly totalIdentityMismatch: number;
  readonly totalProtocolViolation: number;
  readonly totalOutboundQueueOverruns: number;
}

/** A request came to a taberna that is not quiet. `held` is the number by which a held one is decided. */
export interface RustReceived {
  readonly event: 'received';
  readonly taberna: bigint;
  readonly type: number;
  /** The number of a numbered payload: the first 8 bytes, whatever they mean; null if there are fewer. */
  readonly sequence: bigint | null;
  readonly payload: Buffer;
  readonly held: number | null;
}

/** What the program tells of its own accord: requests, blobs, and the crate's reporting events. */
export type RustEvent =
  | { readonly event: 'ready' | 'config-reloaded' | 'auth-reloaded' | 'shutdown-started' | 'shutdown-complete' }
  | RustReceived
  | RustBlobRead
  | { readonly event: 'blob-opened'; readonly number: number }
  /** A caller has left a stream of the service `sums/v1`; so many items were sent. */
  | { readonly event: 'stream-left'; readonly sent: number }
  /** Another 16 MiB of a blob were read. */
  | { readonly event: 'blob-progress'; readonly number: number; readonly bytes: number }
  | { readonly event: 'blob-stopped'; readonly side: RustSide; readonly number: number; readonly bytes: number }
  | { readonly event: 'peer-connected'; readonly peer: DomusAddr; readonly freshSession: boolean }
  | {
      readonly event:
        | 'peer-disconnected'
        | 'primary-callis-disconnected'
        | 'blob-callis-disconnected'
        | 'peer-session-restarted';
      readonly peer: DomusAddr;
      readonly reason: string;
    }
  | {
      readonly event: 'primary-callis-connected' | 'blob-callis-connected';
      readonly peer: DomusAddr;
      readonly callis: number;
    }
  | { readonly event: 'peer-dial-failed'; readonly peer: DomusAddr; readonly error: number }
  | { readonly event: 'backpressure-triggered'; readonly peer: DomusAddr; readonly taberna: string }
  | { readonly event: 'outbound-queue-overrun'; readonly peer: DomusAddr; readonly tier: string }
  | { readonly event: 'events-lost'; readonly count: number }
  | { readonly event: 'bad-command'; readonly text: string };

/** The event of one kind. */
export type RustEventOf<K extends RustEvent['event'], E extends RustEvent = RustEvent> = E extends RustEvent
  ? K extends E['event']
    ? E
    : never
  : never;
