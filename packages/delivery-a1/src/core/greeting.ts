/**
 * The hello exchange of a primary callis, both roles (a1-delivery, primary callis): what a hello or its response does
 * to the session. The verdicts stand in `resume.ts`; this file carries them out.
 */
import { DomusError, ERROR_IDS, errorKindOf } from '@flaminia/transport-a0';
import { FLAG_BLOB, FLAG_RECONNECT } from '../wire/frame.ts';
import type { Callis } from './callis.ts';
import type { PeerSession } from './peer-session.ts';
import { refuse } from './refusal.ts';
import { resumeAsDialler, resumeAsListener } from './resume.ts';

const PEER_UNAVAILABLE = ERROR_IDS['peer-unavailable'];

/** A hello has come on an accepted callis that awaited it. */
export function helloIn(session: PeerSession, callis: Callis, flags: number, id: number, now: number): void {
  if (session.state.kind !== 'open') {
    refuse(session, callis, id, PEER_UNAVAILABLE, 'the session is being closed', now);
    return;
  }
  const asked = (flags & FLAG_RECONNECT) !== 0;
  if (asked && isAsking(session)) {
    waitForOwnAnswer(session, callis, flags, id, now);
    return;
  }
  const newer = mayHaveDialledAtOnce(session, callis);
  // With the other primary the peer may have been lost, or only the primary. Whoever holds the session asks for it next time.
  if (!asked && session.live && newer && !standsRival(session)) {
    refuse(session, callis, id, PEER_UNAVAILABLE, 'both sides dialled at once, and the other primary is lost', now);
    return;
  }
  const resumes = asked && session.isShared;
  if (resumeAsListener(asked, session.live, session.isShared, newer) === 'restart') session.restart(callis, now);
  const { isFull } = session;
  const active = session.calles.filter((other) => other.phase === 'active');
  if (isFull && !resumes) {
    session.context.sink.event({ kind: 'limited-log', id: 1003, address: session.address });
    refuse(session, callis, id, PEER_UNAVAILABLE, 'callis limit reached', now);
    return;
  }
  callis.askedReconnect = asked;
  callis.owesHelloResponse = true;
  callis.helloId = id;
  callis.responseFlags = resumes ? FLAG_RECONNECT : 0;
  // A peer that says a plain hello holds no session, so what it says it holds later can only be this one.
  if (resumes) session.noteHeld(callis);
  else if (!asked) session.confirmed = true;
  activate(session, callis, asked, now);
  // The peer may have lost the one that has been silent longest, and this callis may be what it has instead.
  if (isFull) {
    const silent = active.reduce((a, b) => (b.lastReadAt < a.lastReadAt ? b : a));
    session.lose(silent, 'replaced', '', now);
  }
}

/** A hello-response has come on a dialled callis that awaited it. Returns false when it contradicts the hello. */
export function helloResponseIn(session: PeerSession, callis: Callis, flags: number, now: number): boolean {
  if ((flags & FLAG_BLOB) !== 0) return false;
  const answered = (flags & FLAG_RECONNECT) !== 0;
  // A life that was never confirmed was not asked for; what it wrote may have been lost with the peer's memory of it.
  const asked = callis.askedReconnect || callis.isUnsure;
  const verdict = answered && !callis.askedReconnect ? 'violation' : resumeAsDialler(asked, answered);
  if (verdict === 'violation') return false;
  // The other of two dials at once came up and was lost again. This answer may be of a life before that one: the next dial asks.
  if (!asked && session.isShared && session.outlet === undefined) {
    session.lose(callis, 'refused', 'both sides dialled at once, and the other primary is lost', now);
    return true;
  }
  session.dial = { kind: 'idle' };
  if (verdict === 'restart') session.restart(callis, now);
  activate(session, callis, answered, now);
  session.noteHeld(callis);
  return true;
}

/** The listener has answered the hello with an error: the dial has failed. */
export function refusalIn(session: PeerSession, callis: Callis, errorId: number, text: string, now: number): void {
  const kind = errorKindOf(errorId)!;
  const error = new DomusError(kind, `the peer refused the callis: ${text}`, {
    peer: session.address,
    detail: 'refused',
  });
  session.lose(callis, 'refused', text, now, error);
}

/**
 * A plain hello may be one of two dials at once: another primary has become active since this connection was challenged, and
 * when it was, the peer was not known to hold the session. If it was, its hello would say so, and the other primary is of a life
 * that is over: the answer to an own hello may be late.
 */
function mayHaveDialledAtOnce({ rivalSequence, heldSequence }: PeerSession, { beganSequence }: Callis): boolean {
  return rivalSequence > beganSequence && (heldSequence === 0 || heldSequence > beganSequence);
}

/** The primary that made the last plain hello one of two dials at once still stands. */
function standsRival({ calles, rivalSequence }: PeerSession): boolean {
  return calles.some((each) => each.isActivePrimary && each.activatedSequence === rivalSequence);
}

/** An own hello is unanswered, and its answer will judge the session that we hold. */
export function isAsking({ dial, live }: PeerSession): boolean {
  return live && dial.kind === 'greeting';
}

/**
 * Both sides ask for the session at once. The peer's may be another than ours, begun by our own hello, and what we replayed
 * would come from one that it has forgotten: so our answer waits for the peer's. Of two that wait for each other, the one
 * with the lower address gives way.
 */
function waitForOwnAnswer(session: PeerSession, callis: Callis, flags: number, id: number, now: number): void {
  if (session.context.address < session.address) session.lose(callis, 'refused', 'both sides asked at once', now);
  else callis.heldHello = { flags, id, numbers: undefined };
}

/** `resumed`: RECONNECT stood on the hello of the peer, or on its response. */
function activate(session: PeerSession, callis: Callis, resumed: boolean, now: number): void {
  const { counters, sink } = session.context;
  const freshSession = !session.live;
  const wasConnected = session.outlet !== undefined;
  callis.become('active');
  callis.deadline = Number.POSITIVE_INFINITY;
  callis.activeSince = now;
  session.live = true;
  callis.activatedSequence = session.context.nextSequence();
  if (!resumed) session.rivalSequence = callis.activatedSequence;
  session.impairedUntil = Number.POSITIVE_INFINITY;
  session.lastDialError = undefined;
  session.policy.noteActive();
  // The dial may have begun before the session did.
  if (callis.dialled) session.policy.noteDial();
  session.loseSilent(now);
  session.chooseOutlet();
  session.blobs?.considerDial(now);
  counters.primaryOpened++;
  if (!wasConnected) sink.event({ kind: 'peer-connected', address: session.address, freshSession });
  sink.event({ kind: 'primary-callis-connected', address: session.address, dialled: callis.dialled });
  session.requestWrite();
}
