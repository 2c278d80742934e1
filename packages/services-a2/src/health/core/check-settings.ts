/** How a check is run, and how many results in a row change its state (a2-services, health). */
import { outOfRange, unknownName } from '@flaminia/transport-a0';

/** Settings of one check; durations in milliseconds. */
export interface CheckSettings {
  /** From the start of one run to the start of the next; a run that takes longer is waited for. 10 to 3,600,000; default 10,000. */
  readonly interval: number;
  /** The same while the check is still `unknown`, so that a new node is ready soon. 10 to 3,600,000; default 1,000; never above `interval`. */
  readonly startInterval: number;
  /** A run without an answer has failed then, and its signal ends. 1 to 600,000; default 2,000. */
  readonly timeout: number;
  /** So many failures in a row make it `unhealthy`. 1 to 1,000; default 3. */
  readonly failureThreshold: number;
  /** So many passes in a row make it `healthy`. 1 to 1,000; default 2. */
  readonly successThreshold: number;
}

const DEFAULTS: CheckSettings = {
  interval: 10_000,
  startInterval: 1_000,
  timeout: 2_000,
  failureThreshold: 3,
  successThreshold: 2,
};

const RANGES: Readonly<Record<keyof CheckSettings, readonly [min: number, max: number, unit: string]>> = {
  interval: [10, 3_600_000, 'ms'],
  startInterval: [10, 3_600_000, 'ms'],
  timeout: [1, 600_000, 'ms'],
  failureThreshold: [1, 1_000, 'results'],
  successThreshold: [1, 1_000, 'results'],
};

/** The full settings; an unknown field or a value outside its range is `invalid-config`. */
export function checkSettings(given: Partial<CheckSettings> = {}): CheckSettings {
  if (typeof given !== 'object' || given === null) throw outOfRange('options of a check', 'an object', given);
  const fields: Record<string, number> = {};
  for (const [field, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(RANGES, field)) throw unknownName('a check', field, RANGES);
    const [min, max, unit] = RANGES[field as keyof CheckSettings];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw outOfRange(field, `an integer, ${min} to ${max} ${unit}`, value);
    }
    fields[field] = value;
  }
  const settings = { ...DEFAULTS, ...fields };
  return Object.freeze({ ...settings, startInterval: Math.min(settings.startInterval, settings.interval) });
}
