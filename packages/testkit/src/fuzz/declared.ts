/** Tells the errors that the product declares from everything else that may escape it. */
import { DomusError, type ErrorKind } from '@flaminia/transport-a0';
import { Broken } from './broken.ts';

/** A result, or the verdict of the declared error that stood in its place. */
export type Judged<T> =
  | { readonly kind: 'taken'; readonly value: T }
  | { readonly kind: 'refused'; readonly verdict: string; readonly text: string };

/** Runs a piece of the product. A `DomusError` of this kind is a verdict; anything else is a failure. */
export function judged<T>(kind: ErrorKind, run: () => T): Judged<T> {
  try {
    return { kind: 'taken', value: run() };
  } catch (error) {
    if (!DomusError.is(error)) throw error;
    if (error.kind !== kind) throw new Broken(`a ${error.kind} escaped where ${kind} is declared: ${error.message}`);
    return { kind: 'refused', verdict: error.detail ?? error.kind, text: error.message };
  }
}
