/** What every subject is opened with unless its case says otherwise: small limits, and no keepalive of its own accord. */
import type { SubjectConfig } from './implementation.ts';

/** Small, so that cases can fill it. */
export const MAX_PAYLOAD_LEN = 262_144;
/** Requests that a taberna lets wait. */
export const INGRESS_SIZE = 8;

/** What is proposed and agreed for blob calles. */
export const CHUNK_BYTES = 64;
export const ACK_WINDOW = 4;

export const SHARED_CONFIG: SubjectConfig = {
  sendTimeout: 20_000,
  tabernaAcceptQueueSize: INGRESS_SIZE,
  keepaliveInterval: 300_000,
  listenerDelay: 0,
  reconnectBackoff: [100, 2_000],
  maxPayloadLen: MAX_PAYLOAD_LEN,
  blobWindow: { chunkSize: CHUNK_BYTES, ackWindow: ACK_WINDOW },
};
