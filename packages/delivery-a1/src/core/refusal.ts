/** The answer to a hello that is not taken: an error in place of the response (a1-wire, message types). */
import type { Callis } from './callis.ts';
import type { PeerSession } from './peer-session.ts';

/** Answers a hello with an error, and ends the callis. */
export function refuse(
  session: PeerSession,
  callis: Callis,
  id: number,
  errorId: number,
  text: string,
  now: number,
): void {
  callis.owedError = { id, errorId, text };
  session.leave(callis, 'refused', text, now);
}
