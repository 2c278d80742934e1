/** What only a program without a type check can get wrong about a signal, such as giving its controller. */
import { type DomusError, outOfRange } from '@flaminia/transport-a0';

/** `invalid-config` for what is no signal. One of a polyfill or of another realm is one as well. */
export function signalMistake(signal: unknown): DomusError | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return undefined;
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  const isSignal =
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
  return isSignal ? undefined : outOfRange('signal', 'an AbortSignal', signal);
}

/** Throws {@link signalMistake}. */
export function requireSignal(signal: unknown): void {
  const mistake = signalMistake(signal);
  if (mistake !== undefined) throw mistake;
}
