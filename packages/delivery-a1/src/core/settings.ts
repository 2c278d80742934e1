/**
 * The settings that delivery reads, resolved and frozen by the layer above (config). One object serves the whole domus
 * and is replaced as a whole by a live update; machines read it at each use. Durations are milliseconds.
 */
export interface DeliverySettings {
  readonly sendQueueSize: number;
  readonly sendQueueBytes: number;
  readonly sendTimeoutMs: number;
  readonly callisConnectTimeoutMs: number;
  readonly acceptTimeoutMs: number;
  readonly tabernaAcceptQueueSize: number;
  readonly tabernaAcceptQueueBytes: number;
  /** 0: no keepalives. */
  readonly keepaliveIntervalMs: number;
  readonly listenerDelayMs: number;
  readonly listenerReconnectTimeoutMs: number;
  /** Waits before the second, third ... dial in a row; the last repeats. */
  readonly reconnectBackoffMs: readonly number[];
  readonly inboundHandshakeLimitPerPeer: number;
  readonly maxParallelCallisPerPeer: number;
  readonly maxPayloadLen: number;
  /** What this domus proposes for blob streams; a chunk is cut to what a frame holds. */
  readonly blobChunkBytes: number;
  readonly blobWindow: number;
  /** Most bytes that the blob streams of the domus may hold, in each direction. */
  readonly blobOutboundBufferBytes: number;
  readonly blobInboundBufferBytes: number;
  /**
   * Chunks on a new blob callis wait so long for a sign that the peer counts it, and a message that opens a stream as long on a
   * new primary: a Rust peer that does not count that one yet accepts, and never dials the blob callis. 0 in memory.
   */
  readonly blobProofMs: number;
  /** Chunks of this size and above are kept in the pieces in which they were read; smaller ones are gathered, in bytes. */
  readonly blobPiecesFromBytes: number;
  /** What the outgoing streams of a peer take from their programs beyond what was written, all together. */
  readonly blobWaitingBytes: number;
  /** Free the payload that a peer with Nagle's algorithm holds back; only tests and measurements turn it off. */
  readonly nudge: boolean;
}

/** Capacity of the A2 lane; not configurable (a1-delivery, retained lanes). */
export const A2_LANE_CAPACITY = 128;

/** Wait between dials when `reconnectBackoff` is empty. */
export const EMPTY_BACKOFF_MS = 4000;

/** How long a callis that this side has ended may stay open for the peer's end. */
export const LINGER_MS = 1000;

/** A primary that lived so long, or brought an answer, was a good one: its loss is no failed dial. */
export const GOOD_AFTER_MS = 1000;

/** A primary whose writes have not drained for so long gets no fresh work while another is active. */
export const STALLED_AFTER_MS = 1000;

/** What a blob stream holds goes out, be it a whole chunk or not, when its writer was quiet for so long. */
export const BLOB_QUIET_MS = 20;

/** So does a chunk that was begun so long ago, whose writer goes on a little at a time. */
export const BLOB_CHUNK_MS = 100;

/** Capacity of the ack lane. */
export function ackLaneCapacity(settings: DeliverySettings): number {
  return Math.max(4096, settings.sendQueueSize * 16);
}

/** Capacity of the error lane. */
export function errorLaneCapacity(settings: DeliverySettings): number {
  return Math.max(4096, settings.sendQueueSize * 2);
}
