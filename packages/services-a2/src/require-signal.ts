/** What a program gives as a signal, and what is none, such as the controller of one. */
import { outOfRange } from '@flaminia/transport-a0';

/** Throws `invalid-config` for what is no signal. One of a polyfill or of another realm is one as well. */
export function requireSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  const isSignal =
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  if (!isSignal) throw outOfRange('signal', 'an AbortSignal', signal);
}
