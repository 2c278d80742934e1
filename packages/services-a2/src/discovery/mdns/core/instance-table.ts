/**
 * The instances of one DNS-SD service that were heard of, each a peer once its SRV and an address record are known.
 *
 * 1. Whatever is heard, the table holds a bounded number of instances, hosts and addresses.
 * 2. Nothing outlives its time to live, which is cut to an hour; a goodbye ends an instance at once.
 * 3. A record of an instance or host that nothing points to is ignored.
 * 4. Only a record that passes the check of claims becomes a peer, its address made from SRV and A or AAAA.
 */
import { DomusError, tcpAddress } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from '../../discovery.ts';
import { checkClaim, type PeerClaim } from '../../peer-claim.ts';
import { decodeTxt } from '../../txt-record.ts';
import { type DnsQuestion, type DnsRecord, foldName } from './dns-record.ts';

/** Bounds, whatever is heard. */
export const TABLE_LIMITS = { instances: 1_024, addressesPerHost: 8, ttlMs: 3_600_000 } as const;

const NEVER = Number.POSITIVE_INFINITY;

interface Instance {
  readonly name: string;
  /** When the pointer to it expires. */
  until: number;
  ttlMs: number;
  srv: { readonly host: string; readonly port: number; readonly until: number } | undefined;
  txt: { readonly claim: Omit<PeerClaim, 'address'>; readonly until: number } | undefined;
  /** What its records came to when they were last looked at, so that a claim is checked once. */
  judged: {
    readonly ip: string;
    readonly port: number;
    readonly txt: unknown;
    readonly peer: DiscoveredPeer | undefined;
  };
}

const UNJUDGED = { ip: '', port: 0, txt: undefined, peer: undefined } as const;

/** The addresses of a host with the moments at which they expire, by family. */
type Host = Readonly<Record<'A' | 'AAAA', Map<string, number>>>;

export class InstanceTable {
  private readonly serviceName: string;
  private readonly instances = new Map<string, Instance>();
  private readonly hosts = new Map<string, Host>();
  /** Instances and records that were turned away, because they were bad or because the table was full. */
  refused = 0;

  constructor(serviceName: string) {
    this.serviceName = foldName(serviceName);
  }

  /** Takes in the records of one response. */
  hear(records: readonly DnsRecord[], now: number): void {
    for (const record of records)
      if (record.type === 'PTR') this.hearPointer(record.name, record.data, record.ttl, now);
    for (const record of records) {
      const instance = this.instances.get(foldName(record.name));
      if (instance === undefined) continue;
      const until = now + ttlMsOf(record.ttl);
      if (record.type === 'SRV') {
        const { target, port } = record.data;
        instance.srv = record.ttl === 0 ? undefined : { host: foldName(target), port, until };
      } else if (record.type === 'TXT' && record.ttl > 0) {
        instance.txt = { claim: decodeTxt(record.data), until };
      }
    }
    this.hearAddresses(records, now);
    this.dropHosts();
  }

  /** Forgets what has outlived its time. */
  expire(now: number): void {
    for (const [key, instance] of this.instances) {
      if (instance.until <= now) this.instances.delete(key);
      if (instance.srv !== undefined && instance.srv.until <= now) instance.srv = undefined;
      if (instance.txt !== undefined && instance.txt.until <= now) instance.txt = undefined;
    }
    for (const host of this.hosts.values()) {
      for (const family of FAMILIES) {
        for (const [ip, until] of host[family]) if (until <= now) host[family].delete(ip);
      }
    }
    this.dropHosts();
  }

  /** The next moment at which something expires. */
  nextExpiry(): number {
    let next = NEVER;
    for (const { until, srv, txt } of this.instances.values()) {
      next = Math.min(next, until, srv?.until ?? NEVER, txt?.until ?? NEVER);
    }
    for (const host of this.hosts.values()) {
      for (const family of FAMILIES) for (const until of host[family].values()) next = Math.min(next, until);
    }
    return next;
  }

  peers(): DiscoveredPeer[] {
    const peers: DiscoveredPeer[] = [];
    for (const instance of this.instances.values()) {
      const { srv, txt } = instance;
      const ip = srv === undefined ? undefined : this.ipOf(srv.host);
      if (srv === undefined || ip === undefined) continue;
      const { judged } = instance;
      if (judged.ip !== ip || judged.port !== srv.port || judged.txt !== txt) {
        instance.judged = { ip, port: srv.port, txt, peer: this.judge(ip, srv.port, txt?.claim) };
      }
      if (instance.judged.peer !== undefined) peers.push(instance.judged.peer);
    }
    return peers;
  }

  /** What a query tells that it knows already (RFC 6762, section 7.1): pointers in the first half of their lives. */
  knownAnswers(now: number, most: number): DnsRecord[] {
    const answers: DnsRecord[] = [];
    for (const { name, until, ttlMs } of this.instances.values()) {
      if (answers.length === most) break;
      if (until - now < ttlMs / 2) continue;
      answers.push({ name: this.serviceName, type: 'PTR', ttl: Math.floor((until - now) / 1000), data: name });
    }
    return answers;
  }

  /** Questions for what instances still lack. */
  missing(most: number): DnsQuestion[] {
    const questions: DnsQuestion[] = [];
    for (const { name, srv, txt } of this.instances.values()) {
      if (questions.length + 3 > most) break;
      if (srv === undefined) questions.push({ name, type: 'SRV' });
      else if (this.ipOf(srv.host) === undefined) {
        questions.push({ name: srv.host, type: 'A' }, { name: srv.host, type: 'AAAA' });
      }
      if (txt === undefined) questions.push({ name, type: 'TXT' });
    }
    return questions;
  }

  private judge(ip: string, port: number, claim: Omit<PeerClaim, 'address'> | undefined): DiscoveredPeer | undefined {
    const checked = checkClaim({ ...claim, address: addressOf(ip, port) });
    if (checked.ok) return checked.peer;
    this.refused++;
    return undefined;
  }

  private hearPointer(service: string, name: string, ttl: number, now: number): void {
    const key = foldName(name);
    if (foldName(service) !== this.serviceName || !key.endsWith(`.${this.serviceName}`)) return;
    if (ttl === 0) {
      this.instances.delete(key);
      return;
    }
    const ttlMs = ttlMsOf(ttl);
    const instance = this.instances.get(key);
    if (instance !== undefined) Object.assign(instance, { until: now + ttlMs, ttlMs });
    else if (this.instances.size >= TABLE_LIMITS.instances) this.refused++;
    else this.instances.set(key, { name, until: now + ttlMs, ttlMs, srv: undefined, txt: undefined, judged: UNJUDGED });
  }

  private hearAddresses(records: readonly DnsRecord[], now: number): void {
    const wanted = new Set([...this.instances.values()].map(({ srv }) => srv?.host));
    const flushed = new Set<Map<string, number>>();
    for (const { type, name, data, ttl, flush } of records) {
      const key = foldName(name);
      if ((type !== 'A' && type !== 'AAAA') || !wanted.has(key)) continue;
      const host = this.hosts.get(key) ?? { A: new Map(), AAAA: new Map() };
      this.hosts.set(key, host);
      const ips = host[type];
      // The first of this packet replaces what older ones said, the others add to it.
      if (flush === true && !flushed.has(ips)) ips.clear();
      flushed.add(ips);
      if (ttl === 0) ips.delete(data);
      else if (ips.has(data) || ips.size < TABLE_LIMITS.addressesPerHost) ips.set(data, now + ttlMsOf(ttl));
      else this.refused++;
    }
  }

  private dropHosts(): void {
    const wanted = new Set([...this.instances.values()].map(({ srv }) => srv?.host));
    for (const name of this.hosts.keys()) if (!wanted.has(name)) this.hosts.delete(name);
  }

  /** An address of this host that means the same everywhere: a link-local one does not without its zone. */
  private ipOf(name: string): string | undefined {
    const host = this.hosts.get(name);
    if (host === undefined) return undefined;
    return [...host.A.keys(), ...host.AAAA.keys()].find((ip) => !/^fe[89ab]/i.test(ip));
  }
}

const FAMILIES = ['A', 'AAAA'] as const;

function ttlMsOf(seconds: number): number {
  return Math.min(seconds * 1000, TABLE_LIMITS.ttlMs);
}

function addressOf(ip: string, port: number): string | undefined {
  try {
    return tcpAddress(ip, port);
  } catch (error) {
    if (DomusError.is(error)) return undefined;
    throw error;
  }
}
