/** How the failure of a blob stream becomes the error of its program. */
import type { EventEmitter } from 'node:events';
import type { SendFailure } from '@flaminia/delivery-a1/internal';
import { DomusError } from '@flaminia/transport-a0';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';

/** The own program has given a stream up. */
export const GIVEN_UP: SendFailure = {
  kind: 'peer-unavailable',
  text: 'the stream was given up by this side',
  delivery: 'unknown',
  cause: undefined,
  detail: 'stream-aborted',
};

/** The handler has returned, and has nothing to read it by. */
export const UNREAD: SendFailure = {
  ...GIVEN_UP,
  text: 'the handler returned without the stream',
};

export function blobError(failure: SendFailure, endpoint: AnyEndpoint, peer: string): DomusError {
  const { kind, text, delivery, cause, detail } = failure;
  return new DomusError(kind, text === '' ? 'the peer refused the stream' : text, {
    delivery,
    endpoint: endpointText(endpoint),
    ...(peer === '' ? {} : { peer }),
    ...(detail === undefined ? {} : { detail }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * An error that nobody listens for would end the process, and here it is the peer who causes it: a handler that has not looked at
 * its stream yet must not be its victim. Who uses the stream then gets the error all the same.
 */
export function dropUnheard(stream: EventEmitter): void {
  stream.on('error', nothing);
}

function nothing(): void {}
