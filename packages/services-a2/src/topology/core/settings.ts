/** The settings of a topology, all of them set (topology, settings). */
import { outOfRange, unknownName } from '@flaminia/transport-a0';

/** What can be set. Durations are in milliseconds. */
export interface TopologySettings {
  /** Links (active view) that a node strives for; it keeps at most one more. 2 to 32, default 5. */
  readonly links: number;
  /** News leaves at once, and then at most once in this time. 10 to 60,000, default 200. */
  readonly gossipPeriodMs: number;
  /** Every link is probed once in this time. 50 to 600,000, default 1,000. */
  readonly probePeriodMs: number;
  /** How long a link may take to accept before others are asked. 10 to 600,000, below `probePeriodMs`, default 500. */
  readonly probeTimeoutMs: number;
  /** How many others are asked to probe a node that did not accept. 0 to 16, default 3. */
  readonly indirectProbes: number;
  /** The shortest suspicion, in probe periods for each power of ten of nodes. 1 to 100, default 4. */
  readonly suspicionFactor: number;
  /** The longest suspicion, in shortest ones: that of a node whom nobody else suspects. 1 to 100, default 6. */
  readonly suspicionStretch: number;
  /** So many others who suspect too make it the shortest. 1 to 16, default 3. */
  readonly confirmations: number;
  /** How often the table is compared with that of a node that is no link. 100 to 3,600,000, default 30,000. */
  readonly wanderPeriodMs: number;
  /** How often one link is exchanged for a random one. 100 to 86,400,000, default 120,000. */
  readonly shufflePeriodMs: number;
  /** How often a seed or a node that died is tried again. 100 to 3,600,000, default 10,000. */
  readonly healPeriodMs: number;
  /** How long dialling and asking for a link or a table may take. 100 to 600,000, default 5,000. */
  readonly linkTimeoutMs: number;
  /** How long it is remembered that a node died or left. 1,000 to 604,800,000, default 3,600,000. */
  readonly tombstoneMs: number;
  /** Most nodes in the table, those that are gone included. 2 to 1,000,000, default 20,000. */
  readonly maxNodes: number;
  /** Slows its own judgement when it seems to be slow itself (Lifeguard). False is for comparison only. Default true. */
  readonly lifeguard: boolean;
}

const DEFAULTS: TopologySettings = Object.freeze({
  links: 5,
  gossipPeriodMs: 200,
  probePeriodMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  suspicionFactor: 4,
  suspicionStretch: 6,
  confirmations: 3,
  wanderPeriodMs: 30_000,
  shufflePeriodMs: 120_000,
  healPeriodMs: 10_000,
  linkTimeoutMs: 5_000,
  tombstoneMs: 3_600_000,
  maxNodes: 20_000,
  lifeguard: true,
});

type NumberField = Exclude<keyof TopologySettings, 'lifeguard'>;

const RANGES: Readonly<Record<NumberField, readonly [least: number, most: number]>> = {
  links: [2, 32],
  gossipPeriodMs: [10, 60_000],
  probePeriodMs: [50, 600_000],
  probeTimeoutMs: [10, 600_000],
  indirectProbes: [0, 16],
  suspicionFactor: [1, 100],
  suspicionStretch: [1, 100],
  confirmations: [1, 16],
  wanderPeriodMs: [100, 3_600_000],
  shufflePeriodMs: [100, 86_400_000],
  healPeriodMs: [100, 3_600_000],
  linkTimeoutMs: [100, 600_000],
  tombstoneMs: [1_000, 604_800_000],
  maxNodes: [2, 1_000_000],
};

/** Fills in the defaults; `invalid-config` names a setting that is out of its range. */
export function resolveTopologySettings(given: Partial<TopologySettings> = {}): TopologySettings {
  if (typeof given !== 'object' || given === null) throw outOfRange('topology', 'an object of settings', given);
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const field of Object.keys(known)) {
    if (!Object.hasOwn(DEFAULTS, field)) throw unknownName('topology', field, DEFAULTS, `topology.${field}`);
  }
  const settings: TopologySettings = { ...DEFAULTS, ...known };
  for (const [field, [least, most]] of Object.entries(RANGES)) {
    const value: unknown = settings[field as NumberField];
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw outOfRange(`topology.${field}`, `a whole number, ${least} to ${most}`, value);
    }
  }
  if (typeof settings.lifeguard !== 'boolean') throw outOfRange('topology.lifeguard', 'a boolean', settings.lifeguard);
  if (settings.probeTimeoutMs >= settings.probePeriodMs) {
    throw outOfRange(
      'topology.probeTimeoutMs',
      `below probePeriodMs (${settings.probePeriodMs})`,
      settings.probeTimeoutMs,
    );
  }
  return Object.freeze(settings);
}
