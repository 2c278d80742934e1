/**
 * The settings of a domus (node): what they mean, and their defaults (config). Ranges are enforced by
 * `config-ranges.ts`, relations by `resolve-config.ts`.
 */

/** Which transport an imperium (fabric) uses, as the addresses of its domus say. */
export type TransportKind = 'tcp' | 'unix';

/** All settings of a domus. Durations are milliseconds; all numbers are integers. */
export interface DomusConfig {
  /** Most messages on their way to one peer, from `send` until their outcome. 1 to 4096. */
  readonly sendQueueSize: number;
  /** Most payload bytes on their way to one peer. 1 to 1 GiB. */
  readonly sendQueueBytes: number;
  /** Time for a message, from `send` to its outcome. 1 to 300,000; a change applies to messages taken later. */
  readonly sendTimeout: number;
  /** Time for one dial, authentication included. 1 to 300,000, at most `sendTimeout`. */
  readonly callisConnectTimeout: number;
  /** Time in which a taberna must take a message that arrived, or it is answered `taberna-busy`. 1 to 60,000, at most `sendTimeout`. */
  readonly acceptTimeout: number;
  /** Most messages that wait in one taberna. 1 to 8192. */
  readonly tabernaAcceptQueueSize: number;
  /** Most payload bytes that wait in one taberna. 1 to 1 GiB. */
  readonly tabernaAcceptQueueBytes: number;
  /** Time without traffic after which a keepalive is sent. 0 to 300,000; 0 sends none. */
  readonly keepaliveInterval: number;
  /** How long a domus that could be dialled waits for that before it dials itself. 0 to 60,000; per session. */
  readonly listenerDelay: number;
  /** How long a domus that was dialled waits for the peer to come back before it dials. 0 to 300,000. */
  readonly listenerReconnectTimeout: number;
  /** The waits between dials in a row; the last one repeats. 0 to 16 entries of 0 to 300,000; empty: always 4,000. */
  readonly reconnectBackoff: readonly number[];
  /** Unix sockets: time for the connection back to the dialler. 0 to 60,000. */
  readonly socketCallbackTimeout: number;
  /** Unix sockets: time for the whole handshake. 0 to 120,000. */
  readonly socketHandshakeTimeout: number;
  /** TCP: time for the connection back to the dialler. 0 to 120,000. */
  readonly tcpCallbackTimeout: number;
  /** TCP: time for the whole handshake. 0 to 300,000. */
  readonly tcpHandshakeTimeout: number;
  /** Shortest time between two log records with one id. 0 to 3,600,000. */
  readonly limitedLogInterval: number;
  /** Most handshakes of arriving connections at once. 1 to 1024. */
  readonly inboundHandshakeLimitTotal: number;
  /** The same for each peer. 1 to 64, at most `inboundHandshakeLimitTotal`. */
  readonly inboundHandshakeLimitPerPeer: number;
  /** Most calles (connections) of one peer session. 1 to 64. */
  readonly maxParallelCallisPerPeer: number;
  /** What this domus proposes for blob streams: both numbers are given together. */
  readonly blobWindow: BlobWindow;
  /** Most bytes of outgoing blob streams held. `chunkSize` × `ackWindow` to the smaller of 8 GiB and half of the memory; more is clamped, with a warning. */
  readonly blobOutboundBufferBytes: number;
  /** The same for incoming blob streams. */
  readonly blobInboundBufferBytes: number;
  /** Largest payload, chunks of blob streams included. 1 to 64 MiB; keep 8 MiB towards Rust peers, whose limit it is. */
  readonly maxPayloadLen: number;
}

/** The unit of blob streams and how many of them may be unacknowledged. */
export interface BlobWindow {
  /** Bytes of one chunk. 1 to 1 MiB. */
  readonly chunkSize: number;
  /** Chunks under way. 1 to 4096. */
  readonly ackWindow: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

const defaults: DomusConfig = {
  sendQueueSize: 128,
  sendQueueBytes: 64 * MIB,
  sendTimeout: 30_000,
  callisConnectTimeout: 15_000,
  acceptTimeout: 5_000,
  tabernaAcceptQueueSize: 1024,
  tabernaAcceptQueueBytes: 64 * MIB,
  keepaliveInterval: 15_000,
  listenerDelay: 0,
  listenerReconnectTimeout: 20_000,
  reconnectBackoff: Object.freeze([1_000, 2_000, 4_000]),
  socketCallbackTimeout: 2_000,
  socketHandshakeTimeout: 5_000,
  tcpCallbackTimeout: 10_000,
  tcpHandshakeTimeout: 10_000,
  limitedLogInterval: 120_000,
  inboundHandshakeLimitTotal: 64,
  inboundHandshakeLimitPerPeer: 3,
  maxParallelCallisPerPeer: 8,
  blobWindow: Object.freeze({ chunkSize: 64 * KIB, ackWindow: 64 }),
  blobOutboundBufferBytes: 256 * MIB,
  blobInboundBufferBytes: 256 * MIB,
  maxPayloadLen: 8 * MIB,
};

/** The defaults of each transport. */
export const CONFIG_DEFAULTS: Readonly<Record<TransportKind, DomusConfig>> = {
  tcp: defaults,
  unix: { ...defaults, blobWindow: Object.freeze({ chunkSize: 128 * KIB, ackWindow: 32 }) },
};
