/**
 * What to write next on a callis: the strict order of lanes, FIFO inside a lane, replay before fresh
 * (a1-delivery, retained lanes). Encodes straight into the driver's batch; allocates nothing.
 *
 * 1. Order: what the callis itself owes, acks, errors, A2, A3.
 * 2. Fresh and replayed messages go out on the outlet alone, so that order holds.
 * 3. An ack is encoded here and nowhere else, from the ack lane, which only a decision fills.
 */
import { putBlobGreeting, putControl, putError, putMessage, type WriteBatch } from '../wire/encode.ts';
import { ACK, CLOSE, FLAG_BLOB, FLAG_RECONNECT, HELLO, HELLO_RESPONSE, KEEPALIVE } from '../wire/frame.ts';
import { writeBlobErrors, writeBlobFrames } from './blob-sending.ts';
import type { Callis } from './callis.ts';
import { heldHelloIn } from './held-hello.ts';
import { type Carried, type Lane, NONE } from './lane.ts';
import type { OutboundBlob } from './outbound-blob.ts';
import type { PeerSession } from './peer-session.ts';

/**
 * Encodes what is ready for this callis into the batch, as far as there is room. Call again with a fresh batch while
 * something came; an empty batch means that nothing is left to write now.
 */
export function pollWrite(session: PeerSession, callis: Callis, batch: WriteBatch, now: number): void {
  if (callis.phase === 'ended') return;
  if (callis.heldHello !== undefined) heldHelloIn(session, callis, now);
  if (callis.owes) writeOwed(session, callis, batch);
  if (callis.phase === 'active' && callis.blob !== undefined) {
    writeBlobFrames(session, callis, batch, now);
    if (callis.wantsNudge) writeNudge(session, callis, batch);
  } else if (callis.phase === 'active') {
    writeAnswers(session, callis, batch);
    if (callis === session.outlet) writeMessages(session, callis, batch, now);
    if (callis.wantsNudge) writeNudge(session, callis, batch);
    if (session.state.kind === 'closing') session.closeIfDrained(now);
  }
  if (!batch.isEmpty) callis.lastWriteAt = now;
  if (callis.phase === 'leaving') finish(session, callis, batch);
}

/**
 * Does this primary carry the answer to a message? The one that brought it does: when that is lost, the peer asks again. Another
 * one may be gone on the peer's side, and would swallow it.
 */
export function carriesAnswer({ calles, answers, outlet }: PeerSession, callis: Callis, id: number): boolean {
  const { inbox } = answers;
  if (calles.length === 1 || inbox.isFrom(id, callis.serial)) return true;
  if (callis !== outlet) return false;
  for (const other of calles) if (other.isActivePrimary && inbox.isFrom(id, other.serial)) return false;
  return true;
}

function writeOwed(session: PeerSession, callis: Callis, batch: WriteBatch): void {
  if (callis.owesHello) {
    callis.owesHello = false;
    writeGreeting(callis, batch, callis.askedReconnect ? FLAG_RECONNECT : 0, HELLO, 0);
  }
  if (callis.owesHelloResponse) {
    callis.owesHelloResponse = false;
    writeGreeting(callis, batch, callis.responseFlags, HELLO_RESPONSE, callis.helloId);
  }
  if (callis.owedError !== undefined) {
    putError(batch, callis.owedError.id, callis.owedError.errorId, callis.owedError.text);
    session.context.counters.errorOut(callis.owedError.errorId);
    callis.owedError = undefined;
  }
  if (callis.owesClose) {
    callis.owesClose = false;
    putControl(batch, 0, CLOSE, 0);
  }
  if (callis.owesKeepalive) {
    callis.owesKeepalive = false;
    putControl(batch, 0, KEEPALIVE, 0);
    session.context.counters.keepalivesOut++;
  }
}

function writeGreeting(callis: Callis, batch: WriteBatch, flags: number, msgType: number, id: number): void {
  const { blob } = callis;
  if (blob === undefined) putControl(batch, flags, msgType, id);
  else putBlobGreeting(batch, flags | FLAG_BLOB, msgType, id, blob.numbers.chunkBytes, blob.numbers.window);
}

function writeAnswers(session: PeerSession, callis: Callis, batch: WriteBatch): void {
  const { answers } = session;
  const { acks, errors } = answers;
  const { counters } = session.context;
  for (let left = acks.size; left > 0 && batch.hasRoom; left--) {
    if (!carriesAnswer(session, callis, acks.headId)) {
      acks.toEnd();
      continue;
    }
    putControl(batch, 0, ACK, acks.headId);
    answers.leave(acks);
    counters.acksOut++;
  }
  for (let left = errors.size; left > 0 && batch.hasRoom; left--) {
    if (!carriesAnswer(session, callis, errors.headId)) {
      errors.toEnd();
      continue;
    }
    putError(batch, errors.headId, errors.headError, errors.headText);
    counters.errorOut(errors.headError);
    answers.leave(errors);
  }
  if (callis === session.outlet) writeBlobErrors(session, callis, batch);
}

function writeMessages(session: PeerSession, callis: Callis, batch: WriteBatch, now: number): void {
  const { retained } = session;
  const { a2, a3 } = retained;
  // On a new primary, what precedes the first message that opens a stream goes out, and the rest a moment later.
  const openersFrom = callis.activeSince + session.context.settings.blobProofMs;
  const held = now < openersFrom && a3.openers !== undefined && a3.openers.size > 0 ? a3.openers : undefined;
  if (a2.hasReady || (a3.hasReady && held?.has(a3.peek()) !== true)) callis.noteAsked(now);
  writeLane(session, a2, callis.carried, batch);
  writeLane(session, a3, callis.carried, batch, held);
  if (held?.has(a3.peek()) === true) session.blobs!.openersWait(openersFrom);
}

/** Writes what is ready, up to the first message that is `held`. */
function writeLane(
  session: PeerSession,
  lane: Lane,
  carried: Carried,
  batch: WriteBatch,
  held?: ReadonlyMap<number, OutboundBlob>,
): void {
  for (let slot = lane.peek(); slot !== NONE && batch.hasRoom; slot = lane.peek()) {
    if (held?.has(slot) === true) return;
    const payload = lane.payload[slot]!;
    const msgType = lane.msgType(slot);
    session.retained.write(lane, slot, carried);
    const id = lane.idOf(slot);
    const flags = lane.openers === undefined ? 0 : noteOpener(lane.openers, slot, id);
    putMessage(batch, flags, msgType, id, lane.dstHi(slot), lane.dstLo(slot), payload);
    session.context.counters.messageOut(msgType, payload.length);
  }
}

/** The message that opens a stream names it. */
function noteOpener(openers: ReadonlyMap<number, OutboundBlob>, slot: number, id: number): number {
  const blob = openers.get(slot);
  if (blob === undefined) return 0;
  blob.id = id;
  return FLAG_BLOB;
}

function writeNudge(session: PeerSession, callis: Callis, batch: WriteBatch): void {
  callis.wantsNudge = false;
  if (!batch.isEmpty) return;
  putControl(batch, 0, KEEPALIVE, 0);
  session.context.counters.keepalivesOut++;
  session.context.counters.nudgesOut++;
}

/** The last frames of a callis that leaves: it may have begun to leave in this very poll. */
function finish(session: PeerSession, callis: Callis, batch: WriteBatch): void {
  if (callis.owes) writeOwed(session, callis, batch);
  if (callis.finished) return;
  callis.finished = true;
  session.context.sink.endCallis(callis, 'finish');
}
