/**
 * Arriving bytes: cut into frames, judged by the phase of their callis, carried out on the session (a1-wire, a1-delivery
 * inbound messages). Nothing here waits, and nothing is allocated per frame but the view of a payload.
 *
 * 1. A violation ends its callis and sends nothing; the one exception is an oversized message, which is answered.
 * 2. After any frame the callis may have ended: the loop looks before it reads on.
 */
import { ERROR_IDS, errorKindOf } from '@flaminia/transport-a0';
import { CHUNK_HEAD_BYTES } from '../wire/chunk.ts';
import { BAD_VERSION, CHUNK_HEAD, FRAME, NEED_MORE, OVERSIZED, readU32 } from '../wire/decode.ts';
import {
  A1_TYPE_MAX,
  ACK,
  allowedFlags,
  BLOB_CHUNK,
  BLOB_COMPLETE,
  CLOSE,
  ERROR,
  ERROR_TEXT_MAX_BYTES,
  FLAG_BLOB,
  HELLO,
  HELLO_RESPONSE,
  KEEPALIVE,
} from '../wire/frame.ts';
import { blobHelloIn, blobHelloResponseIn } from './blob-greeting.ts';
import { chunkHeadIn, chunkIn, completeIn } from './blob-receiving.ts';
import type { Callis } from './callis.ts';
import { helloIn, helloResponseIn, refusalIn } from './greeting.ts';
import type { InboundBlob } from './inbound-blob.ts';
import type { PeerSession } from './peer-session.ts';
import { CLOSED_BY_PEER, fullText } from './session-failures.ts';

const UNKNOWN_TABERNA = ERROR_IDS['unknown-taberna'];
const VIOLATION = ERROR_IDS['protocol-violation'];
const BUSY = ERROR_IDS['taberna-busy'];
const BUFFER_FULL = ERROR_IDS['blob-buffer-full'];
const DOMUS_CLOSED = ERROR_IDS['domus-closed'];

const utf8 = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();
const errorScratch = new Uint8Array(ERROR_TEXT_MAX_BYTES);

/**
 * Bytes have come on a callis. The chunk is not kept beyond the turn: what a taberna queues is copied by its `detach`. Where
 * nobody writes to it again (`isOwn`), blob streams keep what they want of it.
 */
export function bytesIn(session: PeerSession, callis: Callis, chunk: Uint8Array, now: number, isOwn = false): void {
  if (callis.isOver) return;
  const { decoder } = callis;
  callis.noteRead(now);
  session.blobs?.noteTime(now);
  decoder.feed(chunk, isOwn);
  const limit = payloadLimitOf(session, callis);
  for (;;) {
    const step = decoder.next(limit);
    if (step === NEED_MORE) break;
    if (step === FRAME) frameIn(session, callis, now);
    else if (step === CHUNK_HEAD) chunkBegins(session, callis, now);
    else if (step === OVERSIZED) oversized(session, callis, now);
    else if (step === BAD_VERSION) violate(session, callis, 'unsupported-version', now);
    if (callis.isOver) {
      decoder.rest();
      return;
    }
  }
  if (decoder.awaitsPayload) considerNudge(session, callis);
  decoder.rest();
}

/** A blob callis takes the chunks that it has agreed to, should the limit have been lowered since. */
function payloadLimitOf({ context }: PeerSession, { blob }: Callis): number {
  const { maxPayloadLen } = context.settings;
  return blob === undefined ? maxPayloadLen : Math.max(maxPayloadLen, blob.numbers.chunkBytes + CHUNK_HEAD_BYTES);
}

function frameIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const { msgType, flags } = decoder;
  callis.noteFrame(msgType === KEEPALIVE, now);
  if ((flags & ~allowedFlags(msgType)) !== 0)
    violate(session, callis, `flags 0x${flags.toString(16)} on type ${msgType}`, now);
  else if (callis.phase !== 'active') greetingFrameIn(session, callis, now);
  else if (callis.blob !== undefined) blobFrameIn(session, callis, now);
  else activeFrameIn(session, callis, now);
}

function activeFrameIn(session: PeerSession, callis: Callis, now: number): void {
  const { msgType } = callis.decoder;
  session.noteHeld(callis);
  if (msgType > A1_TYPE_MAX) messageIn(session, callis, now);
  else if (msgType === ACK) ackIn(session, callis, now);
  else if (msgType === ERROR) errorIn(session, callis, now);
  else if (msgType === KEEPALIVE) expectEmpty(session, callis, now);
  else if (msgType === CLOSE) closeIn(session, callis, now);
  else violate(session, callis, `type ${msgType} is not allowed on a primary callis`, now);
}

/** Any frame shows that the peer counts the callis. */
function blobFrameIn(session: PeerSession, callis: Callis, now: number): void {
  const { msgType, payloadLength } = callis.decoder;
  session.blobs!.isCounted = true;
  if (!callis.blob!.isProven) {
    callis.blob!.isProven = true;
    session.requestWrite();
  }
  if (msgType === BLOB_CHUNK) chunkIn(session, callis, now);
  else if (msgType === ACK) ackIn(session, callis, now);
  else if (msgType === BLOB_COMPLETE && payloadLength === 4) completeIn(session, callis, now);
  else if (msgType === BLOB_COMPLETE) malformed(session, callis, now);
  else if (msgType === ERROR) errorIn(session, callis, now);
  else if (msgType === KEEPALIVE) expectEmpty(session, callis, now);
  else if (msgType === CLOSE) closeIn(session, callis, now);
  else violate(session, callis, `type ${msgType} is not allowed on a blob callis`, now);
}

function chunkBegins(session: PeerSession, callis: Callis, now: number): void {
  const { flags } = callis.decoder;
  const isAllowed = callis.phase === 'active' && callis.blob !== undefined && flags === 0;
  if (isAllowed) chunkHeadIn(session, callis);
  else violate(session, callis, `a blob chunk, flags 0x${flags.toString(16)}, is not allowed here`, now);
}

/** The first frame of a callis is a hello, a hello-response, or the error that stands in its place. */
function greetingFrameIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const { msgType, flags } = decoder;
  if (callis.phase === 'awaiting-hello' && callis.heldHello === undefined && msgType === HELLO) {
    if ((flags & FLAG_BLOB) !== 0) blobGreetingIn(session, callis, now);
    else if (decoder.payloadLength !== 0) malformed(session, callis, now);
    else helloIn(session, callis, flags, decoder.peerMsgId, now);
  } else if (callis.phase === 'greeting' && !callis.owesHello && msgType === HELLO_RESPONSE) {
    if (callis.blob !== undefined) blobGreetingIn(session, callis, now);
    else if (decoder.payloadLength !== 0) malformed(session, callis, now);
    else if (!helloResponseIn(session, callis, flags, now))
      violate(session, callis, 'the hello-response contradicts the hello', now);
  } else if (callis.phase === 'greeting' && !callis.owesHello && msgType === ERROR) {
    errorIn(session, callis, now);
  } else {
    violate(session, callis, `type ${msgType} before the hello exchange`, now);
  }
}

/** A hello of a blob callis, or the response to an own one: both hold two numbers. */
function blobGreetingIn(session: PeerSession, callis: Callis, now: number): void {
  const { payload, payloadStart: at, payloadLength, flags, peerMsgId } = callis.decoder;
  if (payloadLength !== 8) {
    malformed(session, callis, now);
    return;
  }
  const numbers = { chunkBytes: readU32(payload, at), window: readU32(payload, at + 4) };
  if (numbers.chunkBytes === 0 || numbers.window === 0) {
    violate(session, callis, `a blob window of ${numbers.chunkBytes} bytes and ${numbers.window} chunks`, now);
  } else if (callis.phase === 'awaiting-hello') {
    blobHelloIn(session, callis, flags, peerMsgId, numbers, now);
  } else if (!blobHelloResponseIn(session, callis, flags, numbers, now)) {
    violate(session, callis, 'the hello-response contradicts the hello', now);
  }
}

function messageIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const { counters, settings, registry, sink } = session.context;
  const id = decoder.peerMsgId;
  counters.messageIn(decoder.msgType, decoder.payloadLength);
  const { inbox } = session.answers;
  inbox.reads(callis.serial);
  const known = inbox.stateOf(id);
  if (known !== 'unknown') {
    counters.duplicatesIn++;
    inbox.cameAgain(id);
    if (known === 'answered') session.repeatAnswer(id, now);
    return;
  }
  if (session.blobs?.inbound.has(id) === true) {
    // It has opened a stream, so it was accepted, and that was forgotten since.
    counters.duplicatesIn++;
    session.respond(id, 0, '', now);
    return;
  }
  const taberna = registry.find(decoder.dstHi, decoder.dstLo);
  if (taberna === undefined) {
    session.respond(id, session.context.closing ? DOMUS_CLOSED : UNKNOWN_TABERNA, '', now);
    return;
  }
  if (!taberna.hasRoom(decoder.payloadLength, settings)) {
    counters.tabernaBusy++;
    sink.event({
      kind: 'backpressure-triggered',
      address: session.address,
      tabernaHi: taberna.hi,
      tabernaLo: taberna.lo,
    });
    session.respond(id, BUSY, 'the ingress of the taberna is full', now);
    return;
  }
  let blob: InboundBlob | undefined;
  if ((decoder.flags & FLAG_BLOB) !== 0) {
    blob = session.offerBlob(id);
    if (blob === undefined) {
      session.respond(id, BUFFER_FULL, fullText('inbound', settings.blobInboundBufferBytes), now);
      return;
    }
  }
  taberna.offer(session, session.epoch, id, decoder.msgType, decoder, now, settings, blob);
  inbox.begin(id);
  if (!taberna.announced) {
    taberna.announced = true;
    sink.arrived(taberna);
  }
}

function ackIn(session: PeerSession, callis: Callis, now: number): void {
  if (callis.decoder.payloadLength !== 0) {
    malformed(session, callis, now);
    return;
  }
  session.context.counters.acksIn++;
  session.answered(callis, callis.decoder.peerMsgId | 0, 0, '', now);
}

function errorIn(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const { payload, payloadStart: at, payloadLength } = decoder;
  if (payloadLength < 4) {
    malformed(session, callis, now);
    return;
  }
  const errorId = readU32(payload, at);
  if (errorKindOf(errorId) === undefined) {
    violate(session, callis, `unknown error id ${errorId}`, now);
    return;
  }
  const text = readText(payload.subarray(at + 4, at + payloadLength));
  if (text === undefined) {
    malformed(session, callis, now);
    return;
  }
  session.context.counters.errorIn(errorId);
  if (callis.phase === 'greeting') refusalIn(session, callis, errorId, text, now);
  else session.answered(callis, decoder.peerMsgId | 0, errorId, text, now);
}

function closeIn(session: PeerSession, callis: Callis, now: number): void {
  if (callis.decoder.payloadLength !== 0) {
    malformed(session, callis, now);
    return;
  }
  session.end('closed-by-peer', CLOSED_BY_PEER, now);
}

function expectEmpty(session: PeerSession, callis: Callis, now: number): void {
  if (callis.decoder.payloadLength !== 0) malformed(session, callis, now);
}

/** The error text, cut to its limit on a character boundary; undefined when it is not UTF-8. */
function readText(bytes: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(bytes);
    return bytes.length <= ERROR_TEXT_MAX_BYTES ? text : text.slice(0, encoder.encodeInto(text, errorScratch).read);
  } catch {
    return undefined;
  }
}

/**
 * A message over the limit: the peer is told, since it would send the same again on every new callis. The bytes that
 * follow are no frames that we could read, so this direction ends here.
 */
function oversized(session: PeerSession, callis: Callis, now: number): void {
  const { decoder } = callis;
  const { settings } = session.context;
  if (decoder.payloadLength <= settings.maxPayloadLen) {
    malformed(session, callis, now);
    return;
  }
  const text = `payload_len ${decoder.payloadLength} is over the limit of ${settings.maxPayloadLen}`;
  const isMessage = decoder.msgType > A1_TYPE_MAX && (decoder.flags & ~FLAG_BLOB) === 0;
  if (callis.phase !== 'active' || !isMessage) {
    violate(session, callis, text, now);
    return;
  }
  session.noteHeld(callis);
  noteViolation(session, text);
  const { inbox } = session.answers;
  if (inbox.stateOf(decoder.peerMsgId) === 'unknown') inbox.answer(decoder.peerMsgId, VIOLATION, false);
  callis.owedError = { id: decoder.peerMsgId, errorId: VIOLATION, text };
  session.leave(callis, 'protocol-violation', text, now);
}

function malformed(session: PeerSession, callis: Callis, now: number): void {
  const { msgType, payloadLength } = callis.decoder;
  violate(session, callis, `decode-failure: payload of ${payloadLength} bytes on type ${msgType}`, now);
}

function violate(session: PeerSession, callis: Callis, detail: string, now: number): void {
  noteViolation(session, detail);
  session.lose(callis, 'protocol-violation', detail, now);
}

function noteViolation({ context, address }: PeerSession, detail: string): void {
  context.counters.protocolViolations++;
  context.sink.event({ kind: 'protocol-violation', address, detail });
}

/** A peer that holds a payload back until we write is freed by a keepalive (a1-delivery, nudge). */
function considerNudge(session: PeerSession, callis: Callis): void {
  if (!callis.nudges || callis.phase !== 'active' || !session.context.settings.nudge) return;
  callis.wantsNudge = true;
  session.requestWrite();
}
