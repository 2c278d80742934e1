/** What a `degraded` change says of an error. */
import { DomusError } from '@flaminia/transport-a0';

/** The error's text, without the kind that a `DomusError` puts in front: no caller will branch on it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  const prefix = DomusError.is(error) ? `${error.kind}: ` : '';
  return error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
}
