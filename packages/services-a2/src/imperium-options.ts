/** What an application says about each client, and when a node joins or leaves an imperium (fabric); all of it checked. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { isDiscovery, requireDiscovery } from './discovery/discovery.ts';
import { JOIN_OPTIONS, type JoinOptions } from './join-options.ts';
import { type CallSettings, checkedTimeout, DEFAULT_CALL_SETTINGS } from './procedures/client-options.ts';
import { wholeIn } from './procedures/provide-options.ts';
import type { Picker } from './providers/picker.ts';
import { requireSignal } from './require-signal.ts';

/** Options of one client. */
export interface ClientOptions {
  /** Chooses the provider of each call; round robin by default. */
  readonly picker?: Picker;
  /** Milliseconds for a call that says nothing else; default 30,000. Streams of outputs have no limit by default. */
  readonly callTimeout?: number;
  /** Providers to wait for before the first call, 0 to 1,000; default 1. With 0 a call without provider fails at once. */
  readonly minProviders?: number;
  /** How long a call waits for them, in milliseconds; default 10,000. */
  readonly discoverTimeout?: number;
  /** Asks a second provider after so many milliseconds without an answer. Idempotent procedures only; off by default. */
  readonly hedgeAfter?: number;
  /** Bytes of outputs that may be on their way here, for each stream: 1,024 to 67,108,864; default 262,144. */
  readonly windowBytes?: number;
  /** Calls of this node under way at once, 1 to 1,048,576; default 65,536. Beyond them `resource-exhausted`. */
  readonly maxPending?: number;
}

const CLIENT_OPTIONS: OptionNames<ClientOptions> = {
  picker: true,
  callTimeout: true,
  minProviders: true,
  discoverTimeout: true,
  hedgeAfter: true,
  windowBytes: true,
  maxPending: true,
};

/** Options of a client, resolved. */
export interface ClientSettings {
  readonly call: CallSettings;
  readonly picker: Picker | undefined;
  readonly minProviders: number;
  readonly discoverTimeoutMs: number;
}

const DEFAULT_DISCOVER_MS = 10_000;
const MOST_PROVIDERS = 1000;

/** The options in full; `invalid-config` for one that is out of range. */
export function resolveClientOptions(given: ClientOptions = {}): ClientSettings {
  const {
    picker,
    callTimeout,
    minProviders = 1,
    discoverTimeout = DEFAULT_DISCOVER_MS,
    hedgeAfter,
  } = optionsOf('a client', given, CLIENT_OPTIONS);
  if (picker !== undefined && typeof picker?.pick !== 'function') {
    throw outOfRange('picker', 'an object with pick(peers, call), such as roundRobin()', picker);
  }
  const { callTimeoutMs, windowBytes, maxPending } = DEFAULT_CALL_SETTINGS;
  const call: CallSettings = Object.freeze({
    callTimeoutMs: checkedTimeout('callTimeout', callTimeout ?? callTimeoutMs),
    hedgeAfterMs: hedgeAfter === undefined ? undefined : checkedTimeout('hedgeAfter', hedgeAfter),
    windowBytes: wholeIn('windowBytes', given.windowBytes ?? windowBytes, 1024, 64 * 1024 * 1024),
    maxPending: wholeIn('maxPending', given.maxPending ?? maxPending, 1, 1_048_576),
  });
  return Object.freeze({
    call,
    picker,
    minProviders: wholeIn('minProviders', minProviders, 0, MOST_PROVIDERS),
    discoverTimeoutMs: checkedTimeout('discoverTimeout', discoverTimeout),
  });
}

/** Throws `invalid-config` for what would join with nobody, or fail late. Seeds, settings and metadata are judged where they are used. */
export function checkJoining(options: JoinOptions): void {
  const { seeds, discovery, metadata, health, signal } = optionsOf('joining', options, JOIN_OPTIONS);
  requireSignal(signal);
  if (seeds !== undefined && !Array.isArray(seeds) && !isDiscovery(seeds)) {
    throw outOfRange('seeds', 'a list of addresses, or a discovery', seeds);
  }
  if (discovery !== undefined) for (const each of [discovery].flat()) requireDiscovery('discovery', each);
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))) {
    throw outOfRange('metadata', 'an object of texts', metadata);
  }
  if (health !== undefined && (typeof health !== 'object' || health === null)) {
    throw outOfRange('health', 'an object of checks', health);
  }
}

/** Options of leaving. */
export interface LeaveOptions {
  /** Milliseconds for calls under way; default 20,000. */
  readonly drainTimeout?: number;
  /** Its abort cuts the waiting short. */
  readonly signal?: AbortSignal;
}

export const LEAVE_OPTIONS: OptionNames<LeaveOptions> = { drainTimeout: true, signal: true };

/** Options of waiting for providers. */
export interface ReadyOptions {
  /** How many, 0 to 1,000; default 1. */
  readonly minProviders?: number;
  /** Milliseconds; default 10,000. */
  readonly timeout?: number;
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal;
}

export const READY_OPTIONS: OptionNames<ReadyOptions> = { minProviders: true, timeout: true, signal: true };

/** What became of the calls that were under way when a node left. */
export interface LeaveReport {
  /** Calls that have ended by themselves. */
  readonly finished: number;
  /** Calls that were ended with `unavailable`. */
  readonly cut: number;
}
