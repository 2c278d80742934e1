/** The options of DNS SRV discovery, checked. */
import { isIP } from 'node:net';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type NumberOption, numberOption, textOption } from '../option-ranges.ts';
import { checkClaim } from '../peer-claim.ts';

/** Options of `dnsSrvDiscovery`. */
export interface DnsSrvOptions {
  /** The name of the SRV records, such as `_orders._tcp.example.com`; 1..253 characters. */
  readonly name: string;
  /** What every target provides, each as `service/version`; beside what a TXT record of the same name lists. Default none. */
  readonly services?: readonly string[];
  /** The DNS servers, 1..8, each as `ip`, `ip:port` or `[ip]:port`; default those of the system. */
  readonly servers?: readonly string[];
  /** Shortest milliseconds between two questions, whatever the time to live; 500..3,600,000, default 5,000. */
  readonly interval?: number;
  /** Longest milliseconds between two questions; `interval`..86,400,000, default 60,000 or `interval` where that is longer. */
  readonly maxInterval?: number;
  /** Milliseconds that peers stay when the name does not exist any more; 0..86,400,000, default 30,000. */
  readonly grace?: number;
  /** Milliseconds for one try of one question; 50..5,000, default 2,000. Each question is tried twice at each server. */
  readonly timeout?: number;
  /** Which ips count: 4 or 6; default IPv4, and IPv6 for a target without. */
  readonly family?: 4 | 6;
}

export interface DnsSrvResolved {
  readonly name: string;
  readonly services: readonly string[];
  readonly servers: readonly string[] | undefined;
  readonly intervalMs: number;
  readonly maxIntervalMs: number;
  readonly graceMs: number;
  readonly timeoutMs: number;
  readonly family: 4 | 6 | undefined;
}

const NAMES: OptionNames<DnsSrvOptions> = {
  name: true,
  services: true,
  servers: true,
  interval: true,
  maxInterval: true,
  grace: true,
  timeout: true,
  family: true,
};

const DAY_MS = 86_400_000;
const NUMBERS = {
  interval: { min: 500, max: 3_600_000, usual: 5_000 },
  grace: { min: 0, max: DAY_MS, usual: 30_000 },
  // The resolver of the platform waits no longer, whatever it is told.
  timeout: { min: 50, max: 5_000, usual: 2_000 },
} as const satisfies Readonly<Record<string, NumberOption>>;
const MAX_INTERVAL_MS = 60_000;
const SERVERS_MAX = 8;

export function resolveDnsSrvOptions(options: DnsSrvOptions): DnsSrvResolved {
  optionsOf('dnsSrvDiscovery', options, NAMES);
  const { services = [], servers, family } = options;
  const intervalMs = numberOption('interval', NUMBERS.interval, options.interval);
  const usual = Math.max(intervalMs, MAX_INTERVAL_MS);
  const checked = checkClaim({ address: 'tcp://127.0.0.1:1', services });
  if (!checked.ok) throw outOfRange('services', 'a list of name/version', services);
  if (family !== undefined && family !== 4 && family !== 6) throw outOfRange('family', '4 or 6', family);
  return Object.freeze({
    name: textOption('name', 253, options.name).replace(/\.$/, ''),
    services: checked.peer.services,
    servers: servers === undefined ? undefined : checkedServers(servers),
    intervalMs,
    maxIntervalMs: numberOption('maxInterval', { min: intervalMs, max: DAY_MS, usual }, options.maxInterval),
    graceMs: numberOption('grace', NUMBERS.grace, options.grace),
    timeoutMs: numberOption('timeout', NUMBERS.timeout, options.timeout),
    family,
  });
}

function checkedServers(given: unknown): readonly string[] {
  const isList = Array.isArray(given) && given.length >= 1 && given.length <= SERVERS_MAX;
  const wrong = isList ? given.find((server) => !isServer(server)) : given;
  if (!isList || wrong !== undefined)
    throw outOfRange('servers', `1 to ${SERVERS_MAX} of ip, ip:port or [ip]:port`, wrong);
  return Object.freeze([...(given as readonly string[])]);
}

function isServer(server: unknown): boolean {
  if (typeof server !== 'string') return false;
  if (isIP(server) !== 0) return true;
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(server) ?? [];
  return isIP(v6 ?? v4 ?? '') === (v6 === undefined ? 4 : 6) && Number(port ?? 53) >= 1 && Number(port ?? 53) <= 65_535;
}
