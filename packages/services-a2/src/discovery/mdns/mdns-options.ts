/** The options of mDNS discovery, checked. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type NumberOption, numberOption, textOption } from '../option-ranges.ts';

/** Options of `mdnsDiscovery`. */
export interface MdnsOptions {
  /**
   * Where to speak: the name of an interface, an ip of it, or `all`. Default: the interface that has the ip of the own
   * domus; all of them where none has it.
   */
  readonly interface?: string;
  /** Which service to offer and to look for: `_name._tcp.local`, a name of 1..15 small letters, digits and hyphens. Default `_flaminia._tcp.local`. */
  readonly serviceName?: string;
  /** Milliseconds between two questions; 1,000..3,600,000, default 5,000. */
  readonly browseInterval?: number;
  /** Milliseconds for which others may believe an announcement that is not repeated; 2,000..3,600,000, default 30,000. */
  readonly ttl?: number;
  /** The UDP port, 1..65535; default 5353. Another one hears no other DNS-SD software. */
  readonly port?: number;
}

export interface MdnsResolved {
  readonly interface: string | undefined;
  readonly serviceName: string;
  readonly browseIntervalMs: number;
  readonly ttlMs: number;
  readonly port: number;
}

const NAMES: OptionNames<MdnsOptions> = {
  interface: true,
  serviceName: true,
  browseInterval: true,
  ttl: true,
  port: true,
};

const NUMBERS = {
  browseInterval: { min: 1_000, max: 3_600_000, usual: 5_000 },
  ttl: { min: 2_000, max: 3_600_000, usual: 30_000 },
  port: { min: 1, max: 65_535, usual: 5_353 },
} as const satisfies Readonly<Record<string, NumberOption>>;

export function resolveMdnsOptions(options: MdnsOptions): MdnsResolved {
  optionsOf('mdnsDiscovery', options, NAMES);
  const serviceName = textOption('serviceName', 64, options.serviceName, '_flaminia._tcp.local');
  if (!/^_[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?\._(?:tcp|udp)\.local$/.test(serviceName)) {
    throw outOfRange('serviceName', 'of the form _name._tcp.local', serviceName);
  }
  return Object.freeze({
    interface: options.interface === undefined ? undefined : textOption('interface', 64, options.interface),
    serviceName,
    browseIntervalMs: numberOption('browseInterval', NUMBERS.browseInterval, options.browseInterval),
    ttlMs: numberOption('ttl', NUMBERS.ttl, options.ttl),
    port: numberOption('port', NUMBERS.port, options.port),
  });
}
