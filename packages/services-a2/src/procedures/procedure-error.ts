/** The one error of calls (a2-services, procedures): every failure of a call is a value of it, on both sides. */

/** What went wrong with a call, as a stable word that also travels. */
export type ProcedureCode =
  /** The caller gave the call up. */
  | 'cancelled'
  /** The input does not fit its schema, or the handler found it wrong. */
  | 'invalid-argument'
  /** The time of the call was over first. */
  | 'deadline-exceeded'
  | 'not-found'
  /** A verifier refused the caller, or nobody could tell who it is. */
  | 'unauthorized'
  /** The provider knows no procedure of that name. */
  | 'unknown-procedure'
  /** Nobody is known who provides the service. */
  | 'no-providers'
  /** A limit was reached: calls under way, bytes that wait, the credit of a stream. */
  | 'resource-exhausted'
  | 'failed-precondition'
  /** The provider could not be reached, was lost, or is going away. */
  | 'unavailable'
  /** The handler failed in a way that it did not choose to tell. */
  | 'internal'
  /** Part of a stream is missing. */
  | 'data-loss';

const CODES: ReadonlySet<string> = new Set<ProcedureCode>([
  'cancelled',
  'invalid-argument',
  'deadline-exceeded',
  'not-found',
  'unauthorized',
  'unknown-procedure',
  'no-providers',
  'resource-exhausted',
  'failed-precondition',
  'unavailable',
  'internal',
  'data-loss',
]);

/** Marks errors of other copies of this package too. */
const MARK = Symbol.for('@flaminia/ProcedureError');

/** What may be told besides code and message. */
export interface ProcedureErrorOptions {
  /** Anything that CBOR carries; travels with the error. */
  readonly details?: unknown;
  /** Never travels. */
  readonly cause?: unknown;
}

/** A call that failed. Thrown by a handler it travels to the caller as it is, but for its cause and its stack. */
export class ProcedureError extends Error {
  /** What went wrong. */
  readonly code: ProcedureCode;
  /** What the handler told besides; undefined where it told nothing. */
  readonly details: unknown;

  constructor(code: ProcedureCode, message: string, options: ProcedureErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  /** True for an error of this class, also of another copy of this package. */
  static is(value: unknown): value is ProcedureError {
    try {
      return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[MARK] === true;
    } catch {
      return false; // Handlers throw anything, a proxy that throws when it is looked at included.
    }
  }
}

Object.defineProperty(ProcedureError.prototype, MARK, { value: true });
Object.defineProperty(ProcedureError.prototype, 'name', { value: 'ProcedureError', configurable: true });

/** The code that a peer sent; `internal` for one that this version does not know. */
export function procedureCode(text: string): ProcedureCode {
  return CODES.has(text) ? (text as ProcedureCode) : 'internal';
}
