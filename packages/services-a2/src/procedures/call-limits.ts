/** When a call is over, whatever its provider does: its own options and those of the call that it is part of. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { requireSignal } from '../require-signal.ts';
import type { CallOptions } from './call-types.ts';
import { checkedTimeout } from './client-options.ts';
import { NO_LIMIT } from './core/wire.ts';

const NEVER = Number.POSITIVE_INFINITY;

const NAMES: OptionNames<CallOptions> = { signal: true, timeout: true, metadata: true, parent: true, key: true };

/** Throws `invalid-config` for options that only a program without a type check can give. */
export function checkCallOptions(options: CallOptions): void {
  const { signal, metadata, parent, key } = optionsOf('a call', options, NAMES);
  requireSignal(signal);
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null)) {
    throw outOfRange('metadata', 'an object of texts', metadata);
  }
  if (parent !== undefined && (parent?.signal === undefined || parent.metadata === undefined)) {
    throw outOfRange('parent', 'the context of a handler', parent);
  }
  if (key !== undefined && typeof key !== 'string') throw outOfRange('key', 'a text', key);
}

/** When the call is over, as a time of the clock; Infinity for never. */
export function deadlineOf(options: CallOptions | undefined, defaultMs: number, now: number): number {
  const own = options?.timeout === undefined ? defaultMs : checkedTimeout('timeout', options.timeout);
  const parent = options?.parent?.deadline;
  return now + (parent === undefined ? own : Math.min(own, Math.max(0, parent - Date.now())));
}

/** The signals that end the call: its own, and that of the call that it is part of. */
export function signalsOf(options: CallOptions | undefined): readonly AbortSignal[] {
  if (options === undefined) return NO_SIGNALS;
  const { signal, parent } = options;
  if (parent === undefined) return signal === undefined ? NO_SIGNALS : [signal];
  return signal === undefined ? [parent.signal] : [signal, parent.signal];
}

/** What is left of the time of a call, as it travels. */
export function remainingMs(deadline: number, now: number): number {
  return deadline === NEVER ? NO_LIMIT : Math.max(0, Math.ceil(deadline - now));
}

const NO_SIGNALS: readonly AbortSignal[] = [];
