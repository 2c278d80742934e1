/** What a check is, and the text of an error that it fails with. */

/**
 * Looks once whether something is well. Passes by returning or resolving; fails by throwing, rejecting or answering `false`.
 *
 * @param signal ends when the time of the run is up, when its answer is there, and when the check is removed: whatever is
 *   bound to it is let go of then.
 */
export type HealthCheck = (signal: AbortSignal) => unknown;

/** Errors travel with the health of a node and stand in its record. */
const MAX_CHARACTERS = 200;

/** A short text for whatever was thrown; never throws itself. */
export function failureText(thrown: unknown): string {
  const text = textOf(thrown).trim();
  if (text === '') return 'failed without a reason';
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
}

function textOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    // The error of a dial to several ips has no text of its own.
    return String(thrown.message || (thrown as { readonly code?: unknown }).code || thrown.name);
  } catch {
    return '';
  }
}
