/** What a `degraded` change says of an error. */
import { DomusError } from '@flaminia/transport-a0';

/** The error's text, without the kind that a `DomusError` puts in front: no caller will branch on it. Never throws itself. */
export function reasonOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return 'it failed';
    const text = String(error.message);
    const prefix = DomusError.is(error) ? `${error.kind}: ` : '';
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  } catch {
    return 'it failed';
  }
}
