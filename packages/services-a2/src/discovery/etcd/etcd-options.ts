/** The options of etcd discovery, checked. */
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type NumberOption, numberOption, textOption } from '../option-ranges.ts';

/** Options of `etcdDiscovery`. */
export interface EtcdOptions {
  /** Where etcd's JSON gateway is, 1..16 urls such as `http://10.0.0.1:2379`; tried in turn, beginning with the first. */
  readonly endpoints: readonly string[];
  /** What the keys of all nodes begin with, 1..200 printable ASCII characters; default `flaminia/nodes/`. */
  readonly prefix?: string;
  /** Milliseconds after which others forget a node that is silent; 2,000..600,000, default 15,000. Kept alive at a third of it. */
  readonly ttl?: number;
  /** For etcd's own authentication; with `password`. */
  readonly username?: string;
  readonly password?: string;
  /** Sent with every request, for a proxy that wants a token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one request; 100..60,000, default 5,000. */
  readonly requestTimeout?: number;
  /** Instead of the platform's `fetch`; one with an agent of its own can show etcd a client certificate. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface EtcdResolved {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly ttlMs: number;
  readonly login: { readonly name: string; readonly password: string } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestTimeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

const NAMES: OptionNames<EtcdOptions> = {
  endpoints: true,
  prefix: true,
  ttl: true,
  username: true,
  password: true,
  headers: true,
  requestTimeout: true,
  fetch: true,
};

const NUMBERS = {
  ttl: { min: 2_000, max: 600_000, usual: 15_000 },
  requestTimeout: { min: 100, max: 60_000, usual: 5_000 },
} as const satisfies Readonly<Record<string, NumberOption>>;

const ENDPOINTS_MAX = 16;

export function resolveEtcdOptions(options: EtcdOptions): EtcdResolved {
  optionsOf('etcdDiscovery', options, NAMES);
  const prefix = textOption('prefix', 200, options.prefix, 'flaminia/nodes/');
  if (!/^[\x20-\x7d]+$/.test(prefix)) throw outOfRange('prefix', 'printable ASCII without "~"', prefix);
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw outOfRange('fetch', 'a function', options.fetch);
  }
  return Object.freeze({
    endpoints: checkedEndpoints(options.endpoints),
    prefix,
    ttlMs: numberOption('ttl', NUMBERS.ttl, options.ttl),
    login: checkedLogin(options),
    headers: checkedHeaders(options.headers ?? {}),
    requestTimeoutMs: numberOption('requestTimeout', NUMBERS.requestTimeout, options.requestTimeout),
    fetch: options.fetch ?? globalThis.fetch,
  });
}

function checkedEndpoints(given: unknown): readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > ENDPOINTS_MAX) {
    throw outOfRange('endpoints', `a list of 1 to ${ENDPOINTS_MAX} urls`, given);
  }
  return Object.freeze(given.map(checkedEndpoint));
}

function checkedEndpoint(given: unknown): string {
  // The url may hold a password: the error does not show it.
  if (typeof given !== 'string' || !URL.canParse(given)) throw outOfRange('endpoints', 'a list of urls', typeof given);
  const { protocol, username, password, origin, pathname, search, hash } = new URL(given);
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  if ((protocol !== 'http:' && protocol !== 'https:') || !isPlain) {
    throw outOfRange('endpoints', 'http or https urls without credentials, query and fragment', protocol);
  }
  return origin + pathname.replace(/\/+$/, '');
}

function checkedLogin({ username, password }: EtcdOptions): EtcdResolved['login'] {
  if (username === undefined && password === undefined) return undefined;
  const name = textOption('username', 255, username);
  if (typeof password !== 'string') throw outOfRange('password', 'a text beside username', typeof password);
  return { name, password };
}

function checkedHeaders(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.freeze(Object.fromEntries(new Headers(given)));
  } catch {
    throw outOfRange('headers', 'names and values that HTTP allows', typeof given);
  }
}
