/** What all calls of one client share. */
import { outOfRange } from '@flaminia/transport-a0';
import type { Calls } from './calls.ts';
import type { ProviderSource } from './provider-source.ts';

/** Times and bounds of a client, resolved. */
export interface CallSettings {
  /** Limit of a call that says none, in milliseconds. */
  readonly callTimeoutMs: number;
  /** A second try on another provider after so many milliseconds without an answer; undefined: never. Only idempotent calls. */
  readonly hedgeAfterMs: number | undefined;
  /** Bytes of items that may be on their way to this side, for each stream. */
  readonly windowBytes: number;
  /** Calls under way at most. */
  readonly maxPending: number;
}

export const DEFAULT_CALL_SETTINGS: CallSettings = Object.freeze({
  callTimeoutMs: 30_000,
  hedgeAfterMs: undefined,
  windowBytes: 256 * 1024,
  maxPending: 65_536,
});

/** What a call works with. */
export interface CallParts {
  readonly calls: Calls;
  readonly providers: ProviderSource;
  readonly settings: CallSettings;
}

const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

/** A timeout that an application gave, in milliseconds; `invalid-config` outside its range. */
export function checkedTimeout(field: string, value: number): number {
  if (Number.isFinite(value) && value > 0 && value <= LONGEST_TIMEOUT_MS) return value;
  throw outOfRange(field, `more than 0, up to ${LONGEST_TIMEOUT_MS} ms`, value);
}
