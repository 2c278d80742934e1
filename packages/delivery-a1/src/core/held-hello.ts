/** A hello that waits until an own one is answered, since that answer decides about the session or its streams. */
import { blobHelloIn } from './blob-greeting.ts';
import type { Callis } from './callis.ts';
import { helloIn, isAsking } from './greeting.ts';
import type { PeerSession } from './peer-session.ts';

/** A hello that was held has its turn, once the own one is answered or has failed. */
export function heldHelloIn(session: PeerSession, callis: Callis, now: number): void {
  const { heldHello } = callis;
  if (heldHello === undefined) return;
  const { flags, id, numbers } = heldHello;
  if (numbers === undefined ? isAsking(session) : session.blobs?.dial.isAskingPlainly === true) return;
  callis.heldHello = undefined;
  if (numbers === undefined) helloIn(session, callis, flags, id, now);
  else blobHelloIn(session, callis, flags, id, numbers, now);
}
