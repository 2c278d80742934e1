/**
 * What to write next on a blob callis (a1-blobs, sender): acks, errors and completes, then chunks to be written again, then
 * fresh ones, the streams in turns.
 */
import { putComplete, putControl, putError, putFrames, type WriteBatch } from '../wire/encode.ts';
import { ACK } from '../wire/frame.ts';
import type { BlobStreams } from './blob-streams.ts';
import type { Callis } from './callis.ts';
import type { PeerSession } from './peer-session.ts';

/** The chunks of one stream that leave in one write, before another has its turn. */
const TURN_BYTES = 128 * 1024;

/** Encodes what is ready for an active blob callis, as far as there is room. */
export function writeBlobFrames(session: PeerSession, callis: Callis, batch: WriteBatch, now: number): void {
  const blobs = session.blobs!;
  // Acks that leave make room for others.
  blobs.noteTime(now);
  writeResponses(session, callis, blobs, batch);
  for (let blob = blobs.nextComplete; blob !== undefined && batch.hasRoom; blob = blobs.nextComplete)
    putComplete(batch, blobs.completeWritten(blob, callis), blob.id);
  if (!callis.blob!.isProven) return;
  while (batch.hasRoom) {
    const frames = blobs.takeChunks(callis, TURN_BYTES);
    if (frames === undefined) return;
    putFrames(batch, frames.bytes, frames.flushed);
  }
}

/** Is there nothing to write on this callis but acks of chunks? */
export function owesAcksAlone(session: PeerSession, callis: Callis): boolean {
  if (callis.phase !== 'active' || callis.blob === undefined || callis.owes || callis.wantsNudge) return false;
  if (callis.heldHello !== undefined) return false;
  const { responses, nextComplete } = session.blobs!;
  if (responses.acks.size === 0 || responses.errors.size > 0 || nextComplete !== undefined) return false;
  return !callis.blob.isProven || !session.blobs!.hasChunks(callis);
}

/** Errors that name a stream find their way without a blob callis too. */
export function writeBlobErrors(session: PeerSession, callis: Callis, batch: WriteBatch): void {
  const { blobs } = session;
  if (blobs === undefined || blobs.calles.length > 0) return;
  const { errors } = blobs.responses;
  while (errors.size > 0 && batch.hasRoom) writeError(session, callis, blobs, batch);
}

function writeResponses(session: PeerSession, callis: Callis, blobs: BlobStreams, batch: WriteBatch): void {
  const { responses } = blobs;
  const { acks, errors } = responses;
  while (acks.size > 0 && batch.hasRoom) {
    putControl(batch, 0, ACK, acks.headId);
    responses.leave(acks);
    session.context.counters.acksOut++;
  }
  while (errors.size > 0 && batch.hasRoom) writeError(session, callis, blobs, batch);
}

function writeError(session: PeerSession, callis: Callis, blobs: BlobStreams, batch: WriteBatch): void {
  const { errors } = blobs.responses;
  putError(batch, errors.headId, errors.headError, errors.headText);
  session.context.counters.errorOut(errors.headError);
  blobs.errorWritten(errors.headId, errors.headError, errors.headText, callis);
  blobs.responses.leave(errors);
}
