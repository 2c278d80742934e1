/**
 * The hello exchange of a primary callis, both roles (a1-delivery, primary callis): what a hello or its response does
 * to the session. The verdicts stand in `resume.ts`; this file carries them out.
 */
import { DomusError, errorKindOf } from '@flaminia/transport-a0';
import { FLAG_BLOB, FLAG_RECONNECT } from '../wire/frame.ts';
import type { Callis } from './callis.ts';
import type { PeerSession } from './peer-session.ts';
import { resumeAsDialler, resumeAsListener } from './resume.ts';

const PEER_UNAVAILABLE = 3;

/** A hello has come on an accepted callis that awaited it. */
export function helloIn(session: PeerSession, callis: Callis, flags: number, id: number, now: number): void {
  if ((flags & FLAG_BLOB) !== 0) {
    refuse(session, callis, id, 'blob calles are not offered', now);
    return;
  }
  if (session.state.kind !== 'open') {
    refuse(session, callis, id, 'the session is being closed', now);
    return;
  }
  const asked = (flags & FLAG_RECONNECT) !== 0;
  const held = session.live;
  if (resumeAsListener(asked, held, session.lastActivation > callis.beganAt) === 'restart')
    session.restart(callis, now);
  if (!makeRoom(session, callis, asked && held, now)) {
    session.context.sink.event({ kind: 'limited-log', id: 1003, address: session.address });
    refuse(session, callis, id, 'callis limit reached', now);
    return;
  }
  callis.owesHelloResponse = true;
  callis.helloId = id;
  callis.responseFlags = asked && held ? FLAG_RECONNECT : 0;
  activate(session, callis, now);
}

/** A hello-response has come on a dialled callis that awaited it. Returns false when it contradicts the hello. */
export function helloResponseIn(session: PeerSession, callis: Callis, flags: number, now: number): boolean {
  if ((flags & FLAG_BLOB) !== 0) return false;
  const answered = (flags & FLAG_RECONNECT) !== 0;
  const verdict = resumeAsDialler(callis.askedReconnect, answered, session.lastActivation > callis.beganAt);
  if (verdict === 'violation') return false;
  session.dial = { kind: 'idle' };
  session.lastDialError = undefined;
  if (verdict === 'restart') session.restart(callis, now);
  activate(session, callis, now);
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

function activate(session: PeerSession, callis: Callis, now: number): void {
  const { counters, sink } = session.context;
  const freshSession = !session.live;
  const wasConnected = session.outlet !== undefined;
  callis.become('active');
  callis.deadline = Number.POSITIVE_INFINITY;
  callis.activeSince = now;
  session.live = true;
  session.lastActivation = session.context.nextSequence();
  session.impairedUntil = Number.POSITIVE_INFINITY;
  session.policy.noteActive();
  session.chooseOutlet();
  counters.primaryOpened++;
  if (!wasConnected) sink.event({ kind: 'peer-connected', address: session.address, freshSession });
  sink.event({ kind: 'primary-callis-connected', address: session.address, dialled: callis.dialled });
  session.requestWrite();
}

/**
 * Holds the cap of active calles. At the cap a RECONNECT ends the callis that has been silent longest, since the peer
 * may have lost it long ago; any other hello finds no room.
 */
function makeRoom(session: PeerSession, callis: Callis, resumes: boolean, now: number): boolean {
  const active = session.calles.filter((other) => other.phase === 'active');
  if (active.length < session.context.settings.maxParallelCallisPerPeer) return true;
  if (!resumes) return false;
  const silent = active.reduce((a, b) => (b.lastReadAt < a.lastReadAt ? b : a));
  session.lose(silent, 'replaced', '', now);
  return callis.phase === 'awaiting-hello';
}

function refuse(session: PeerSession, callis: Callis, id: number, text: string, now: number): void {
  callis.owedError = { id, errorId: PEER_UNAVAILABLE, text };
  session.leave(callis, 'refused', text, now);
}
