/** The signals that programs give: who ends with them, and what is none, such as the controller of one. */
import { SignalWatch } from '@flaminia/services-a2/internal';
import { type DomusError, outOfRange } from '@flaminia/transport-a0';

/** One listener on a signal for whatever ends with it in any domus: Node warns of the eleventh. */
export const signals: SignalWatch = new SignalWatch();

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
