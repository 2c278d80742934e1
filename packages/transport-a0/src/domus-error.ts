/**
 * The one error class of the fabric, and the closed list of its kinds.
 *
 * It lives in the lowest layer because every layer fails with it; applications import it from `@flaminia/domus`.
 * A kind never changes its meaning between releases. Kinds with a wire number are those of docs/protocol/a1-wire.md
 * (error ids); the last three never travel.
 */

/** Wire numbers of the error kinds (docs/protocol/a1-wire.md, error ids). */
export const ERROR_IDS = {
  'unknown-taberna': 1,
  'local-queue-full': 2,
  'peer-unavailable': 3,
  'remote-taberna-rejected': 4,
  'connection-lost': 5,
  'peer-restarted': 6,
  'protocol-violation': 7,
  'unsupported-version': 8,
  'encode-failure': 9,
  'decode-failure': 10,
  'taberna-busy': 11,
  'send-timeout': 12,
  'blob-callis-without-primary': 13,
  'blob-ack-window-exceeded': 14,
  'blob-stream-not-found': 15,
  'blob-stream-out-of-order': 16,
  'blob-stream-idle-timeout': 17,
  'blob-stream-missing-chunk': 18,
  'blob-buffer-full': 19,
  'address-mismatch': 20,
  'taberna-already-registered': 21,
  'invalid-config': 22,
  'domus-closed': 23,
  'receive-timeout': 24,
  'snapshot-not-available': 25,
  'taberna-shutdown': 26,
} as const;

/** A kind that has a wire number. */
export type WireErrorKind = keyof typeof ERROR_IDS;

/** Every kind of a {@link DomusError}: the wire's, and three that never travel. */
export type ErrorKind = WireErrorKind | 'invalid-state' | 'bind-failed' | 'unsupported';

/**
 * May the message have been handled? `not-sent`: it never left this domus. `refused`: the far side said no.
 * `unknown`: it was written and no answer came.
 */
export type Delivery = 'not-sent' | 'refused' | 'unknown';

/** What a {@link DomusError} may say beside its kind. */
export interface DomusErrorDetails {
  /** Default `not-sent`. */
  readonly delivery?: Delivery;
  /** Address of the peer (remote node) concerned. */
  readonly peer?: string;
  /** Name or id of the endpoint concerned. */
  readonly endpoint?: string;
  /** Milliseconds between the call and its failure. */
  readonly elapsedMs?: number;
  /** A stable kebab-case label or a short text that narrows the kind. Never payload or key bytes. */
  readonly detail?: string;
  /** What lies beneath. */
  readonly cause?: unknown;
}

const kindById: readonly (WireErrorKind | undefined)[] = indexById();
const brand = Symbol.for('@flaminia/DomusError');

/** The kind of a wire number, or undefined for a number that the protocol does not know. */
export function errorKindOf(id: number): WireErrorKind | undefined {
  return kindById[id];
}

/** Kinds that say "not now": the same call may succeed later. */
const transientKinds: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'local-queue-full',
  'peer-unavailable',
  'connection-lost',
  'peer-restarted',
  'taberna-busy',
  'send-timeout',
  'blob-buffer-full',
  'receive-timeout',
]);

/**
 * The one error class of Flaminia. `code` and `kind` are the same stable kebab-case word; `id` is its wire number
 * (0 for kinds that never travel).
 */
export class DomusError extends Error {
  override readonly name = 'DomusError';
  /** What went wrong, as a stable word (docs/errors.md). */
  readonly kind: ErrorKind;
  /** The same word, where programs look for it in Node. */
  readonly code: ErrorKind;
  /** The number of the kind on the wire; 0 for kinds that never travel. */
  readonly id: number;
  /** May the message have been handled? */
  readonly delivery: Delivery;
  /** True when the same call may succeed later and cannot have been handled already; never true for `unknown` delivery. */
  readonly retryable: boolean;
  /** Address of the peer (remote node) concerned, where it is known. */
  readonly peer: string | undefined;
  /** Name or id of the endpoint concerned, where there is one. */
  readonly endpoint: string | undefined;
  /** Milliseconds between the call and its failure, where that is known. */
  readonly elapsedMs: number | undefined;
  /** A stable label or a short text that narrows the kind, such as the name of a setting. */
  readonly detail: string | undefined;

  constructor(kind: ErrorKind, message: string, details: DomusErrorDetails = {}) {
    super(`${kind}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = kind;
    this.id = (ERROR_IDS as Partial<Record<ErrorKind, number>>)[kind] ?? 0;
    this.delivery = details.delivery ?? 'not-sent';
    this.retryable = transientKinds.has(kind) && this.delivery !== 'unknown';
    this.peer = details.peer;
    this.endpoint = details.endpoint;
    this.elapsedMs = details.elapsedMs;
    this.detail = details.detail;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a DomusError of any copy of this library in the process. */
  static is(value: unknown): value is DomusError {
    try {
      return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
    } catch {
      return false; // Programs throw anything, a proxy that throws when it is looked at included.
    }
  }
}

/**
 * The error for a setting or argument outside its range: its text names field, allowed range and given value.
 * Only values that cannot be secrets may be given.
 */
export function outOfRange(field: string, range: string, given: unknown): DomusError {
  return new DomusError('invalid-config', `${field} must be ${range}, got ${shown(given)}`, { detail: field });
}

/** The error for a name that settings do not have, a misspelt one: its text names those that there are. `of`: what has them. */
export function unknownName(of: string, given: string, names: object, detail: string = given): DomusError {
  const known = Object.keys(names).join(', ');
  return new DomusError('invalid-config', `${of} has no field ${shown(given)}; its fields are ${known}`, { detail });
}

/** The names that options of one kind may have. */
export type OptionNames<T> = { readonly [Name in keyof T]-?: true };

/**
 * Options as a program gave them; `invalid-config` for what is no object, null included, and for a name that is not among the known ones: a
 * misspelt one. `of`: the call that they belong to.
 */
export function optionsOf<T extends object>(of: string, given: T, names: OptionNames<T>): T {
  if (typeof given !== 'object' || given === null) throw outOfRange(`options of ${of}`, 'an object', given);
  for (const name in given) if (names[name] !== true) throw unknownOption(of, names, name);
  return given;
}

function unknownOption(of: string, names: object, given: string): DomusError {
  return outOfRange(`options of ${of}`, `made of ${Object.keys(names).join(', ')}`, given);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 200 ? `${value.slice(0, 200)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return String(value);
  return typeof value;
}

function indexById(): (WireErrorKind | undefined)[] {
  const table: (WireErrorKind | undefined)[] = [];
  for (const [kind, id] of Object.entries(ERROR_IDS)) table[id] = kind as WireErrorKind;
  return table;
}
