/** How the failure of a blob stream becomes the error of its program. */
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
