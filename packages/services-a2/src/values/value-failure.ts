/** The errors of values that cannot travel, or that a peer should not have sent. */
import { DomusError } from '@flaminia/transport-a0';

/** An `encode-failure`. The text never shows a value of the message; `cause` may. */
export function encodeFailure(detail: string, text: string, cause?: unknown): DomusError {
  return new DomusError('encode-failure', text, { detail, cause });
}

/** A `decode-failure`. The text never shows a value of the message. */
export function decodeFailure(detail: string, text: string, cause?: unknown): DomusError {
  return new DomusError('decode-failure', text, { detail, cause });
}
