/** What a provider says about a service that it offers, resolved. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type PeerVerifier, requireVerifier } from '../authorization/peer-verifier.ts';

/** Options of `imperium.provide`. */
export interface ProvideOptions {
  /** Who may call what. There is no default: `anyAuthenticatedPeer()` says so aloud. */
  readonly verifier: PeerVerifier;
  /** Handlers at once, 1 to 65,536; default 64. */
  readonly concurrency?: number;
  /** Calls that wait for a handler, 0 to 1,048,576; default 1,024. Beyond them `resource-exhausted`. */
  readonly maxWaiting?: number;
  /** Bytes of inputs that may be on their way here, for each stream: 65,536 to 67,108,864; default 262,144. */
  readonly windowBytes?: number;
}

const NAMES: OptionNames<ProvideOptions> = { verifier: true, concurrency: true, maxWaiting: true, windowBytes: true };

const RANGES = {
  concurrency: [1, 65_536, 64],
  maxWaiting: [0, 1_048_576, 1024],
  windowBytes: [65_536, 64 * 1024 * 1024, 256 * 1024],
} as const;

/** The options in full; `invalid-config` for one that is out of range, and for a missing verifier. */
export function resolveProvideOptions(given: ProvideOptions): Required<ProvideOptions> {
  const verifier = requireVerifier('verifier', optionsOf('providing', given, NAMES).verifier);
  const resolved = { verifier, concurrency: 0, maxWaiting: 0, windowBytes: 0 };
  for (const [field, [least, most, byDefault]] of Object.entries(RANGES)) {
    const name = field as keyof typeof RANGES;
    resolved[name] = wholeIn(name, given[name] ?? byDefault, least, most);
  }
  return Object.freeze(resolved);
}

/** An integer within its range; `invalid-config` outside. */
export function wholeIn(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw outOfRange(field, `an integer, ${least} to ${most}`, value);
}
