/** One look at the SRV records of a name and what belongs to them. Its outcome is a value: it never rejects. */
import type { Resolver } from 'node:dns/promises';

/** The numbers of records and addresses that are looked at; an answer may hold more. */
export const LOOKUP_LIMITS = { targets: 256, addressesPerTarget: 16, atOnce: 8 } as const;

/** A target with its addresses; undefined where they could not be found out. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  readonly ips: readonly string[] | undefined;
}

export type SrvOutcome =
  | {
      readonly kind: 'found';
      readonly targets: readonly Target[];
      /** The texts of the TXT record of the name; undefined where it could not be asked for. */
      readonly texts: readonly Uint8Array[] | undefined;
      /** Seconds for which the shortest-lived address holds; undefined where there is none. */
      readonly ttl: number | undefined;
      /** What is wrong with parts of the answer; undefined where nothing is. */
      readonly reason: string | undefined;
    }
  /** There is no such name. */
  | { readonly kind: 'absent'; readonly reason: string }
  /** Nothing is known: no answer, an error of the server, or an answer without a target. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Where and how to look. The signal ends the asking; what is under way ends with the resolver's `cancel`. */
export interface Look {
  readonly resolver: Pick<Resolver, 'resolveSrv' | 'resolveTxt' | 'resolve4' | 'resolve6'>;
  readonly name: string;
  readonly family: 4 | 6 | undefined;
  readonly signal: AbortSignal;
}

export async function lookUpSrv(look: Look): Promise<SrvOutcome> {
  const { resolver, name } = look;
  const [srv, txt] = await Promise.all([outcomeOf(resolver.resolveSrv(name)), outcomeOf(resolver.resolveTxt(name))]);
  if (!srv.ok) {
    const reason = `${name}: ${REASONS[srv.code] ?? srv.code}`;
    return { kind: srv.code === 'ENOTFOUND' ? 'absent' : 'failed', reason };
  }
  // A target of "." says that the service is decidedly not offered here (RFC 2782).
  const records = srv.value.filter((record) => record.name !== '' && record.port > 0).slice(0, LOOKUP_LIMITS.targets);
  if (records.length === 0) return { kind: 'failed', reason: `${name}: the answer names no target` };
  const addresses = await addressesOf(look, [...new Set(records.map((record) => record.name))]);
  const targets = records.map(({ name: target, port, priority, weight }) => {
    return { name: target, port, priority, weight, ips: addresses.get(target)?.ips };
  });
  const ttls = [...addresses.values()].flatMap(({ ttl }) => (ttl === undefined ? [] : [ttl]));
  const lost = targets.find(({ ips }) => ips === undefined);
  return {
    kind: 'found',
    targets,
    // Node gives a character for each byte.
    texts: txt.ok ? txt.value.flat().map((text) => Buffer.from(text, 'latin1')) : txt.isAbsent ? [] : undefined,
    ttl: ttls.length === 0 ? undefined : Math.min(...ttls),
    reason: lost === undefined ? undefined : `${name}: the target ${lost.name} has no address`,
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  ENODATA: 'the answer is empty',
  ESERVFAIL: 'the server failed',
  EREFUSED: 'the server refused',
  EBADRESP: 'the answer cannot be read',
  ETIMEOUT: 'no answer in time',
  ECONNREFUSED: 'no server answers',
};

interface Addresses {
  readonly ips: readonly string[];
  readonly ttl: number | undefined;
}

/** The addresses of each name that has some, a few names at a time. */
async function addressesOf(look: Look, names: readonly string[]): Promise<Map<string, Addresses>> {
  const found = new Map<string, Addresses>();
  const left = names[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const name of left) {
      if (look.signal.aborted) return;
      const addresses = await addressesOfOne(look, name);
      if (addresses !== undefined) found.set(name, addresses);
    }
  };
  await Promise.all(Array.from({ length: LOOKUP_LIMITS.atOnce }, work));
  return found;
}

async function addressesOfOne({ resolver, family }: Look, name: string): Promise<Addresses | undefined> {
  for (const version of family === undefined ? ([4, 6] as const) : [family]) {
    const asked = version === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
    const outcome = await outcomeOf(asked);
    const records = outcome.ok ? outcome.value.filter(({ address }) => address !== '0.0.0.0' && address !== '::') : [];
    if (records.length > 0) {
      records.splice(LOOKUP_LIMITS.addressesPerTarget);
      return { ips: records.map(({ address }) => address), ttl: Math.min(...records.map(({ ttl }) => ttl)) };
    }
    // Without an answer nobody knows whether the name has IPv4: its IPv6 would be another peer's address.
    if (!outcome.ok && !outcome.isAbsent) return undefined;
  }
  return undefined;
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly isAbsent: boolean };

async function outcomeOf<T>(asked: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await asked };
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    return { ok: false, code, isAbsent: code === 'ENOTFOUND' || code === 'ENODATA' };
  }
}
