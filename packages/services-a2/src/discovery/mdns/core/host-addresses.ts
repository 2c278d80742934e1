/** The addresses of a host that were heard of, by family, with their lives. */

/** When a record expires, and how long it lives in all. */
export interface Life {
  readonly until: number;
  readonly ttlMs: number;
}

/** Whether a record is in the first half of its life. */
export function isFresh({ until, ttlMs }: Life, now: number): boolean {
  return until - now >= ttlMs / 2;
}

/** More than a host that serves one domus (node) needs. */
const ADDRESSES_MAX = 8;

type Family = 'A' | 'AAAA';

export class HostAddresses {
  readonly name: string;
  private readonly lives: Readonly<Record<Family, Map<string, Life>>> = { A: new Map(), AAAA: new Map() };

  constructor(name: string) {
    this.name = name;
  }

  /** An address that means the same everywhere, as a link-local one does not without its zone; IPv4 before IPv6. */
  get ip(): string | undefined {
    return [...this.lives.A.keys(), ...this.lives.AAAA.keys()].find((ip) => !/^fe[89ab]/i.test(ip));
  }

  /** Forgets a family. */
  flush(family: Family): void {
    this.lives[family].clear();
  }

  /** Whether each address is in the first half of its life. */
  isFresh(now: number): boolean {
    return [...this.lives.A.values(), ...this.lives.AAAA.values()].every((life) => isFresh(life, now));
  }

  /** Notes an address for that life, undefined to forget it. False where there is no room. */
  set(family: Family, ip: string, life: Life | undefined): boolean {
    const ips = this.lives[family];
    if (life === undefined) ips.delete(ip);
    else if (ips.has(ip) || ips.size < ADDRESSES_MAX) ips.set(ip, life);
    else return false;
    return true;
  }

  /** Forgets what has expired; the moment at which the next does. */
  expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const ips of [this.lives.A, this.lives.AAAA]) {
      for (const [ip, { until }] of ips) {
        if (until <= now) ips.delete(ip);
        else next = Math.min(next, until);
      }
    }
    return next;
  }
}
