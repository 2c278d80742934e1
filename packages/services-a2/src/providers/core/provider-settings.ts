/** When a client stops calling a provider that fails, and when it tries it again (a2-services, providers and picking). */
import { DomusError, outOfRange } from '@flaminia/transport-a0';

export interface ProviderSettings {
  /** So many failures in a row eject a provider; a failure to connect does so at once. 0 to 1,000; default 3; 0 ejects nobody. */
  readonly ejectAfter: number;
  /** How long the first ejection lasts, in milliseconds; each one after it twice as long. 1 to 3,600,000; default 1,000. */
  readonly ejectionTime: number;
  /** The longest ejection, in milliseconds. `ejectionTime` to 3,600,000; default 30,000. */
  readonly maxEjectionTime: number;
}

const DEFAULTS: ProviderSettings = { ejectAfter: 3, ejectionTime: 1_000, maxEjectionTime: 30_000 };

const RANGES: Readonly<Record<keyof ProviderSettings, readonly [min: number, max: number, unit: string]>> = {
  ejectAfter: [0, 1_000, 'failures'],
  ejectionTime: [1, 3_600_000, 'ms'],
  maxEjectionTime: [1, 3_600_000, 'ms'],
};

/** The full settings; an unknown field or a value outside its range is `invalid-config`. */
export function providerSettings(given: Partial<ProviderSettings> = {}): ProviderSettings {
  const fields: Record<string, number> = {};
  for (const [field, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!Object.hasOwn(RANGES, field)) {
      throw new DomusError('invalid-config', `providers have no option ${JSON.stringify(field)}`, { detail: field });
    }
    const [min, max, unit] = RANGES[field as keyof ProviderSettings];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw outOfRange(field, `an integer, ${min} to ${max} ${unit}`, value);
    }
    fields[field] = value;
  }
  const settings = { ...DEFAULTS, ...fields };
  if (settings.maxEjectionTime >= settings.ejectionTime) return Object.freeze(settings);
  if (given.maxEjectionTime === undefined) {
    return Object.freeze({ ...settings, maxEjectionTime: settings.ejectionTime });
  }
  throw outOfRange('maxEjectionTime', `at least ejectionTime (${settings.ejectionTime})`, settings.maxEjectionTime);
}
