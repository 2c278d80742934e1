/** The bounds of a machine's memory (a1-delivery, retained lanes and inbound messages), and settings that make them tight. */
import type { DeliverySettings, DomusCore, PeerSession } from '@flaminia/delivery-a1/internal';
import { SCENARIO_SETTINGS } from '../sim/pair.ts';
import { Broken } from './broken.ts';

export const SMALL_SETTINGS: DeliverySettings = {
  ...SCENARIO_SETTINGS,
  sendQueueSize: 2,
  sendQueueBytes: 4096,
  sendTimeoutMs: 3000,
  acceptTimeoutMs: 500,
  tabernaAcceptQueueSize: 2,
  tabernaAcceptQueueBytes: 4096,
  maxParallelCallisPerPeer: 2,
  maxPayloadLen: 4096,
  blobChunkBytes: 64,
  blobWindow: 4,
  blobInboundBufferBytes: 1024,
  blobOutboundBufferBytes: 1024,
};

const A2_CAPACITY = 128;
const RESPONSES_LEAST = 4096;
const HISTORY = 8448;
const HEADER_BYTES = 32;

/**
 * Throws where the machine holds more than it may. `largest` are the most generous settings that were in force: what is
 * inside may exceed stricter ones set later.
 */
export function expectWithinLimits(core: DomusCore, largest: DeliverySettings): void {
  for (const session of core.peers.values()) {
    expectLanes(session, largest);
    expectCalles(session, largest);
  }
  const { blobsIn, blobsOut } = core;
  if (blobsIn.reserved > largest.blobInboundBufferBytes || blobsOut.reserved > largest.blobOutboundBufferBytes)
    throw new Broken('more is reserved for streams than may be');
  if (blobsIn.reserved < 0 || blobsOut.reserved < 0) throw new Broken('a reservation was given back twice');
  for (const taberna of core.registry.all) {
    if (taberna.waiting > largest.tabernaAcceptQueueSize) throw new Broken(`${taberna.waiting} requests wait`);
    if (taberna.waiting > 1 && taberna.waitingBytes > largest.tabernaAcceptQueueBytes)
      throw new Broken(`requests of ${taberna.waitingBytes} bytes wait`);
  }
}

function expectLanes({ answers, retained }: PeerSession, largest: DeliverySettings): void {
  const { acks, errors, inbox } = answers;
  if (retained.a2.count > A2_CAPACITY) throw new Broken(`${retained.a2.count} messages in the A2 lane`);
  if (retained.a3.count > largest.sendQueueSize) throw new Broken(`${retained.a3.count} messages in the A3 lane`);
  if (retained.a3.count > 1 && retained.a3.bytes > largest.sendQueueBytes)
    throw new Broken(`${retained.a3.bytes} bytes in the A3 lane`);
  if (acks.size > Math.max(RESPONSES_LEAST, largest.sendQueueSize * 16)) throw new Broken(`${acks.size} acks wait`);
  if (errors.size > Math.max(RESPONSES_LEAST, largest.sendQueueSize * 2))
    throw new Broken(`${errors.size} errors wait`);
  if (inbox.remembered > HISTORY) throw new Broken(`${inbox.remembered} answers are remembered`);
}

function expectCalles({ calles }: PeerSession, largest: DeliverySettings): void {
  const most = 2 * (largest.maxParallelCallisPerPeer + largest.inboundHandshakeLimitPerPeer + 1);
  if (calles.length > most) throw new Broken(`${calles.length} calles of one peer`);
  for (const { decoder } of calles) {
    if (decoder.carriedBytes > HEADER_BYTES + largest.maxPayloadLen)
      throw new Broken(`${decoder.carriedBytes} bytes of one frame are kept`);
  }
}
