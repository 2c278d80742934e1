/**
 * The hello exchange of a blob callis, both roles (a1-blobs, blob callis): what a hello or its response does to the blob
 * streams of the session.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { FLAG_BLOB, FLAG_RECONNECT } from '../wire/frame.ts';
import { type BlobNumbers, lesser } from './blob-numbers.ts';
import { BlobCallis, type Callis } from './callis.ts';
import type { PeerSession } from './peer-session.ts';
import { refuse } from './refusal.ts';

const PEER_UNAVAILABLE = ERROR_IDS['peer-unavailable'];
const WITHOUT_PRIMARY = ERROR_IDS['blob-callis-without-primary'];

/** The hello of a blob callis has come on an accepted callis that awaited it. */
export function blobHelloIn(
  session: PeerSession,
  callis: Callis,
  flags: number,
  id: number,
  proposed: BlobNumbers,
  now: number,
): void {
  if (session.state.kind !== 'open') {
    refuse(session, callis, id, PEER_UNAVAILABLE, 'the session is being closed', now);
    return;
  }
  if (session.outlet === undefined) {
    refuse(session, callis, id, WITHOUT_PRIMARY, 'blob callis without primary', now);
    return;
  }
  const blobs = session.blobsOrNew();
  const asked = (flags & FLAG_RECONNECT) !== 0;
  // A first one beside another, or from before it: somebody has lost count, or the hello was long on its way, and answering would
  // fail streams.
  if (!asked && (blobs.calles.length > 0 || blobs.activatedSequence > callis.beganSequence)) {
    session.lose(callis, 'refused', 'a blob callis of the session has come up since', now);
    return;
  }
  if (blobs.dial.isAskingPlainly) {
    const held = { flags, id, numbers: proposed };
    // Whoever has had a blob callis may have counted the one that is asked for here: the answer to that is on its way.
    if (asked) callis.heldHello = held;
    else waitForOwnAnswer(session, callis, held, now);
    return;
  }
  const resumes = asked && (blobs.hasHad || blobs.hasLive);
  const isFull = session.isFull;
  const expendable = isFull && resumes ? longestSilent(session) : undefined;
  if (isFull && expendable === undefined) {
    session.context.sink.event({ kind: 'limited-log', id: 1003, address: session.address });
    refuse(session, callis, id, PEER_UNAVAILABLE, 'callis limit reached', now);
    return;
  }
  callis.blob = new BlobCallis(lesser(blobs.numbers, proposed));
  callis.askedReconnect = asked;
  callis.owesHelloResponse = true;
  callis.helloId = id;
  callis.responseFlags = FLAG_BLOB | (resumes ? FLAG_RECONNECT : 0);
  activate(session, callis, resumes, now);
  if (expendable !== undefined) session.lose(expendable, 'replaced', '', now);
}

/** The callis that the peer may have lost without our knowing. The only primary stays. */
function longestSilent(session: PeerSession): Callis | undefined {
  const active = session.calles.filter((other) => other.phase === 'active');
  const primaries = active.filter((other) => other.isActivePrimary);
  const spare = primaries.length > 1 ? active : active.filter((other) => !other.isActivePrimary);
  return spare.reduce<Callis | undefined>(
    (a, b) => (a === undefined || b.lastReadAt < a.lastReadAt ? b : a),
    undefined,
  );
}

/** The response to the hello of a dialled blob callis has come. Returns false where it contradicts the hello. */
export function blobHelloResponseIn(
  session: PeerSession,
  callis: Callis,
  flags: number,
  agreed: BlobNumbers,
  now: number,
): boolean {
  const proposed = callis.blob!.numbers;
  const answered = (flags & FLAG_RECONNECT) !== 0;
  const isWithin = agreed.chunkBytes <= proposed.chunkBytes && agreed.window <= proposed.window;
  if ((flags & FLAG_BLOB) === 0 || !isWithin || (answered && !callis.askedReconnect)) return false;
  callis.blob!.numbers = agreed;
  session.blobsOrNew().dial.ended();
  activate(session, callis, answered, now);
  return true;
}

/** Of two first dials at once the one of the domus with the higher address is to end, so that no stream is lost. */
function waitForOwnAnswer(
  session: PeerSession,
  callis: Callis,
  held: NonNullable<Callis['heldHello']>,
  now: number,
): void {
  if (session.context.address < session.address) session.lose(callis, 'refused', 'both sides asked at once', now);
  else callis.heldHello = held;
}

function activate(session: PeerSession, callis: Callis, resumes: boolean, now: number): void {
  const { counters, sink, settings } = session.context;
  const blob = callis.blob!;
  callis.become('active');
  callis.deadline = Number.POSITIVE_INFINITY;
  callis.activeSince = now;
  callis.activatedSequence = session.context.nextSequence();
  blob.provenAt = now + settings.blobProofMs;
  blob.isProven = settings.blobProofMs === 0;
  counters.blobCallesOpened++;
  sink.event({
    kind: 'blob-callis-connected',
    address: session.address,
    dialled: callis.dialled,
    chunkBytes: blob.numbers.chunkBytes,
    window: blob.numbers.window,
  });
  session.blobsOrNew().callisUp(callis, blob.numbers, resumes, now);
}
