/**
 * Frames that arrive on a blob callis: chunks, completes, and what every callis may carry (a1-blobs, receiver).
 *
 * 1. A chunk is judged by its head, before its bytes are kept; what is not wanted takes no memory.
 * 2. A chunk that may not come is answered and fails its stream; the callis goes on.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { CHUNK_HEAD_BYTES, FLAG_LAST_CHUNK, wideId } from '../wire/chunk.ts';
import { readU32 } from '../wire/decode.ts';
import type { BlobStreams } from './blob-streams.ts';
import type { Callis } from './callis.ts';
import { REPEATED, TAKEN } from './inbound-blob.ts';
import type { PeerSession } from './peer-session.ts';

const VIOLATION = ERROR_IDS['protocol-violation'];
const DECODE_FAILURE = ERROR_IDS['decode-failure'];

/** A chunk has begun to arrive: its head is there. */
export function chunkHeadIn(session: PeerSession, callis: Callis): void {
  const { decoder } = callis;
  const { chunkHead: head, peerMsgId: id } = decoder;
  const blobs = session.blobs!;
  const streamId = readU32(head, 0);
  const chunkId = wideId(readU32(head, 4), readU32(head, 8));
  const flags = (head[12]! << 8) | head[13]!;
  const length = readU32(head, 14);
  if (length !== decoder.payloadLength - CHUNK_HEAD_BYTES) {
    blobs.respond(id, DECODE_FAILURE, `chunk_len ${length} in a payload of ${decoder.payloadLength}`);
  } else if ((flags & ~FLAG_LAST_CHUNK) !== 0) {
    blobs.respond(id, VIOLATION, `chunk flags 0x${flags.toString(16)}`);
  } else {
    begin(blobs, callis, streamId, chunkId, length, (flags & FLAG_LAST_CHUNK) !== 0);
  }
}

function begin(
  blobs: BlobStreams,
  callis: Callis,
  streamId: number,
  chunkId: number,
  length: number,
  isLast: boolean,
): void {
  const id = callis.decoder.peerMsgId;
  const blob = blobs.inbound.get(streamId);
  if (blob?.state !== 'open') {
    blobs.respondToLate(streamId, id);
    return;
  }
  const verdict = blob.judge(chunkId, length, isLast, id);
  if (verdict === REPEATED) return;
  if (verdict !== TAKEN) {
    blobs.failByChunk(blob, id, verdict);
    return;
  }
  const landing = blob.landing(chunkId, length);
  callis.blob!.arriving = { blob, chunkId, length, isLast, landing };
  callis.decoder.land(landing);
}

/** A chunk has arrived whole. */
export function chunkIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const blobs = session.blobs!;
  if (decoder.payloadLength < CHUNK_HEAD_BYTES) {
    blobs.respond(decoder.peerMsgId, DECODE_FAILURE, `a chunk in ${decoder.payloadLength} bytes`);
    return;
  }
  const { arriving } = callis.blob!;
  if (arriving === undefined) return;
  callis.blob!.arriving = undefined;
  const { blob, chunkId, length, isLast, landing } = arriving;
  if (blob.state !== 'open') {
    blobs.respondToLate(blob.id, decoder.peerMsgId);
    return;
  }
  const { counters } = session.context;
  counters.chunksIn++;
  counters.blobBytesIn += length;
  callis.madeProgress = true;
  const verdict = blob.arrived(chunkId, landing, length, isLast, decoder.peerMsgId, now);
  if (verdict !== TAKEN && verdict !== REPEATED) blobs.failByChunk(blob, decoder.peerMsgId, verdict);
}

/** The peer says that every chunk of a stream has arrived. */
export function completeIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const blobs = session.blobs!;
  const isRight = blobs.completed(readU32(decoder.payload, decoder.payloadStart), now);
  blobs.respond(decoder.peerMsgId, isRight ? 0 : VIOLATION, isRight ? '' : 'the last chunk was not written');
}
