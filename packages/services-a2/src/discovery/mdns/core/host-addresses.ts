/** The addresses of a host that were heard of, by family, with the moments at which they expire. */

/** More than a host that serves one domus (node) needs. */
const ADDRESSES_MAX = 8;

type Family = 'A' | 'AAAA';

export class HostAddresses {
  readonly name: string;
  private readonly untils: Readonly<Record<Family, Map<string, number>>> = { A: new Map(), AAAA: new Map() };

  constructor(name: string) {
    this.name = name;
  }

  /** An address that means the same everywhere, as a link-local one does not without its zone; IPv4 before IPv6. */
  get ip(): string | undefined {
    return [...this.untils.A.keys(), ...this.untils.AAAA.keys()].find((ip) => !/^fe[89ab]/i.test(ip));
  }

  /** Forgets a family. */
  flush(family: Family): void {
    this.untils[family].clear();
  }

  /** Notes an address until that moment, 0 to forget it. False where there is no room. */
  set(family: Family, ip: string, until: number): boolean {
    const ips = this.untils[family];
    if (until === 0) ips.delete(ip);
    else if (ips.has(ip) || ips.size < ADDRESSES_MAX) ips.set(ip, until);
    else return false;
    return true;
  }

  /** Forgets what has expired; the moment at which the next does. */
  expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const ips of [this.untils.A, this.untils.AAAA]) {
      for (const [ip, until] of ips) {
        if (until <= now) ips.delete(ip);
        else next = Math.min(next, until);
      }
    }
    return next;
  }
}
