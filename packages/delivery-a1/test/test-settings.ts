import type { DeliverySettings } from '../src/core/settings.ts';

/** What tests of delivery run with unless they say otherwise; the defaults, times in milliseconds. */
export const SETTINGS: DeliverySettings = {
  sendQueueSize: 1024,
  sendQueueBytes: 64 * 1024 * 1024,
  sendTimeoutMs: 30_000,
  callisConnectTimeoutMs: 15_000,
  acceptTimeoutMs: 5_000,
  tabernaAcceptQueueSize: 1024,
  tabernaAcceptQueueBytes: 64 * 1024 * 1024,
  keepaliveIntervalMs: 15_000,
  listenerDelayMs: 0,
  listenerReconnectTimeoutMs: 20_000,
  reconnectBackoffMs: [1000, 2000, 4000],
  inboundHandshakeLimitPerPeer: 3,
  maxParallelCallisPerPeer: 8,
  maxPayloadLen: 8 * 1024 * 1024,
  blobChunkBytes: 64 * 1024,
  blobWindow: 64,
  blobProofMs: 20,
  blobPiecesFromBytes: 16 * 1024,
  blobWaitingBytes: 384 * 1024,
  blobOutboundBufferBytes: 256 * 1024 * 1024,
  blobInboundBufferBytes: 256 * 1024 * 1024,
  nudge: true,
};
