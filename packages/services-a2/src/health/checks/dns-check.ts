import { lookup } from 'node:dns/promises';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import type { HealthCheck } from '../health-check.ts';

/** How `dnsCheck` looks a name up. */
export interface DnsCheckOptions {
  /** Gives the addresses of a name. Default: as the system resolves names, with its hosts file and search domains. */
  readonly lookup?: (name: string, signal: AbortSignal) => Promise<readonly unknown[]>;
}

const NAMES: OptionNames<DnsCheckOptions> = { lookup: true };

/** Passes where a name has an address. */
export function dnsCheck(name: string, options: DnsCheckOptions = {}): HealthCheck {
  if (typeof name !== 'string' || name === '') throw outOfRange('name', 'a host name', name);
  const { lookup: find = (wanted: string) => lookup(wanted, { all: true }) } = optionsOf('dnsCheck', options, NAMES);
  if (typeof find !== 'function') throw outOfRange('lookup', 'a function', find);
  return async (signal) => {
    const addresses = await find(name, signal);
    if (addresses.length === 0) throw new Error(`${name} has no address`);
  };
}
