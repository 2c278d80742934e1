/**
 * Who may call what (a2-services, identity and authorization).
 *
 * 1. Only `true` allows. A verifier that is missing, throws, or answers anything else, a promise included, refuses.
 * 2. Every guard asks through `isAllowed`, so that there is one place where 1 is kept.
 */
import { outOfRange } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import type { Caller } from './caller.ts';

/** Decides about every call before its handler runs. */
export interface PeerVerifier {
  /**
   * True lets the call in. Answers at once: a promise refuses, as a throw does.
   *
   * @param procedure `service/version/procedure`, or `taberna/` and the name of a taberna (inbox).
   */
  verify(caller: Caller, procedure: string): boolean;
}

/** Why a call was refused; for the own log, never for the caller. */
export type RefusalReason =
  /** The verifier said no. */
  | 'not-allowed'
  | 'verifier-threw'
  /** The verifier answered neither true nor false. */
  | 'verifier-undecided'
  | 'no-verifier';

export type Permission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: RefusalReason; readonly cause?: unknown };

const ALLOWED: Permission = Object.freeze({ allowed: true });

/** Asks a verifier about a call. Never throws, whatever the verifier does. */
export function isAllowed(verifier: PeerVerifier | undefined, caller: Caller, procedure: string): Permission {
  if (verifier === undefined || verifier === null) return { allowed: false, reason: 'no-verifier' };
  try {
    const answer: unknown = verifier.verify(caller, procedure);
    if (answer === true) return ALLOWED;
    if (answer === false) return { allowed: false, reason: 'not-allowed' };
    dropPromise(answer);
    return { allowed: false, reason: 'verifier-undecided' };
  } catch (cause) {
    return { allowed: false, reason: 'verifier-threw', cause };
  }
}

/** The verifier that was given for `field`; a missing one, or something else, is `invalid-config`. */
export function requireVerifier(field: string, given: unknown): PeerVerifier {
  if (typeof (given as Partial<PeerVerifier> | null | undefined)?.verify === 'function') return given as PeerVerifier;
  throw outOfRange(field, 'an object with verify(caller, procedure), such as allowList(...)', given);
}
