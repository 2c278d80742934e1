/** The failures that a session gives to its sends and dials. */
import { DomusError } from '@flaminia/transport-a0';
import type { SendFailure } from './send-waiter.ts';

/** This side closes, or has closed, the session. */
export const PEER_CLOSED: SendFailure = {
  kind: 'peer-unavailable',
  text: 'the peer was closed',
  delivery: 'not-sent',
  cause: undefined,
};

/** The peer has ended the session on purpose. */
export const CLOSED_BY_PEER: SendFailure = {
  kind: 'peer-unavailable',
  text: 'the peer has closed the session',
  delivery: 'not-sent',
  cause: undefined,
};

/** The peer has lost its memory of the session. */
export const PEER_RESTARTED: SendFailure = {
  kind: 'peer-restarted',
  text: 'the peer has restarted',
  delivery: 'unknown',
  cause: undefined,
};

/** The last connection was lost, and none came up again; `cause` is the last dial's error. */
export function unreachable(cause: unknown): SendFailure {
  const text = 'the peer could not be reached again within sendTimeout';
  return { kind: 'peer-unavailable', text, delivery: 'not-sent', cause };
}

/** The set-up of a callis took longer than `callisConnectTimeout`. */
export function connectTimeout(address: string): DomusError {
  return new DomusError('peer-unavailable', 'callis connect timeout', {
    peer: address,
    detail: 'callis-connect-timeout',
  });
}
