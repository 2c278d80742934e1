/**
 * The hello table (a1-delivery, primary callis): what a hello exchange says about the session. Pure functions, the
 * whole decision between resuming, restarting and standing beside another primary.
 */

/** What the end of a hello exchange means for the session that this side holds. */
export type Resume =
  /** The same session goes on: replay. Also the first callis of a new one. */
  | 'continue'
  /** The peer has forgotten us: a fresh session on the same peer. */
  | 'restart'
  /** The answer contradicts the question. */
  | 'violation';

/**
 * The dialler's verdict on a hello-response.
 *
 * @param asked - RECONNECT stood on our hello. A session that has begun anew since has ended its callis.
 * @param answered - RECONNECT stands on the response.
 */
export function resumeAsDialler(asked: boolean, answered: boolean): Resume {
  if (answered) return asked ? 'continue' : 'violation';
  return asked ? 'restart' : 'continue';
}

/**
 * The listener's verdict on a hello.
 *
 * @param asked - RECONNECT stands on the hello.
 * @param held - this side holds a live session with the peer.
 * @param shared - the peer is known to hold the same life of it. An own hello-response may have been lost: then the
 *   peer asks for an older life, or has begun another.
 * @param otherSinceChallenge - a primary of that session beside which a plain hello may stand became active after this
 *   connection's AUTH_CHALLENGE was sent: both dialled at once.
 */
export function resumeAsListener(asked: boolean, held: boolean, shared: boolean, otherSinceChallenge: boolean): Resume {
  if (!held) return 'continue';
  if (asked) return shared ? 'continue' : 'restart';
  return otherSinceChallenge ? 'continue' : 'restart';
}
