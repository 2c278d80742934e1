/** The failures that a session gives to its sends and dials. */
import { DomusError, errorKindOf } from '@flaminia/transport-a0';
import type { SendFailure } from './send-waiter.ts';

/** What an error says about a stream that was given up at the other side. */
const ABORTED = 'stream-aborted';

/** This domus has ended. */
export const SHUT_DOWN: SendFailure = {
  kind: 'domus-closed',
  text: 'the domus was shut down',
  delivery: 'not-sent',
  cause: undefined,
};

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

/** A blob stream that the peer knows no more. */
export const BLOB_RESTARTED: SendFailure = {
  kind: 'peer-restarted',
  text: 'the peer does not know the blob stream any more',
  delivery: 'unknown',
  cause: undefined,
};

/** No chunk has come for so long that the stream is over. */
export const IDLE_STREAM: SendFailure = {
  kind: 'blob-stream-idle-timeout',
  text: 'no chunk has come for twice sendTimeout',
  delivery: 'unknown',
  cause: undefined,
};

/** More streams with one peer than its table holds. */
export const TOO_MANY_STREAMS: SendFailure = {
  kind: 'blob-buffer-full',
  text: 'too many streams with this peer',
  delivery: 'unknown',
  cause: undefined,
};

/** Why no stream can be reserved (a1-wire, error ids). */
export function fullText(direction: 'inbound' | 'outbound', cap: number): string {
  return `${direction} blob buffer: chunk size × window is reserved when a stream opens, within ${cap} bytes`;
}

/** The stream was accepted, but no blob callis came up. */
export function blobTimeout(cause: unknown): SendFailure {
  return { kind: 'send-timeout', text: 'no blob callis before the deadline', delivery: 'unknown', cause };
}

/** No blob callis was to be had for so long that the receiver has given the stream up. */
export function cutOff(cause: unknown): SendFailure {
  return { kind: 'peer-unavailable', text: 'no blob callis for twice sendTimeout', delivery: 'unknown', cause };
}

/** The other side has failed a blob stream, or has given it up. */
export function streamRefused(errorId: number, text: string): SendFailure {
  const kind = errorKindOf(errorId)!;
  const failure: SendFailure = { kind, text, delivery: 'unknown', cause: undefined };
  return kind === 'peer-unavailable' ? { ...failure, text: 'the peer gave the stream up', detail: ABORTED } : failure;
}

/** What a stream is to its own reader when the message that opens it was not accepted. */
export function streamDeclined(errorId: number): SendFailure {
  return { kind: errorKindOf(errorId)!, text: 'the request was not accepted', delivery: 'refused', cause: undefined };
}

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
