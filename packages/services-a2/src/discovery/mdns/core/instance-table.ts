/**
 * The instances of one DNS-SD service that were heard of, each a peer once its SRV and an address record are known.
 *
 * 1. Whatever is heard, the table holds a bounded number of instances, hosts and addresses.
 * 2. Nothing outlives its time to live, which is cut to an hour; a goodbye ends an instance at once.
 * 3. A record of an instance or host that nothing points to is ignored.
 * 4. Only a record that passes the check of claims becomes a peer, its address made from SRV and A or AAAA.
 * 5. What a packet costs depends on the packet, not on the number of instances: most packets only say again what is known.
 */
import { DomusError, tcpAddress } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from '../../discovery.ts';
import { checkClaim, type PeerClaim, samePeer } from '../../peer-claim.ts';
import { decodeTxt } from '../../txt-record.ts';
import { type DnsQuestion, type DnsRecord, foldName } from './dns-record.ts';
import { HostAddresses, isFresh, type Life } from './host-addresses.ts';

/** Bounds, whatever is heard. */
export const TABLE_LIMITS = { instances: 1_024, ttlMs: 3_600_000 } as const;

const NEVER = Number.POSITIVE_INFINITY;

interface Instance {
  readonly name: string;
  /** That of the pointer to it. */
  life: Life;
  srv: { readonly host: HostAddresses; readonly port: number; readonly life: Life } | undefined;
  txt: { readonly claim: Omit<PeerClaim, 'address'>; readonly life: Life } | undefined;
  /** What its records come to; undefined while they are no peer. */
  peer: DiscoveredPeer | undefined;
}

interface Host {
  readonly addresses: HostAddresses;
  readonly users: Set<Instance>;
}

export class InstanceTable {
  private readonly serviceName: string;
  private readonly instances = new Map<string, Instance>();
  private readonly hosts = new Map<string, Host>();
  /** No expiry is earlier than this one. */
  private expiryAt = NEVER;
  /** Instances and records that were turned away, because they were bad or because the table was full. */
  refused = 0;
  /** Rises with each change of `peers()`. */
  version = 0;

  constructor(serviceName: string) {
    this.serviceName = foldName(serviceName);
  }

  /** How many instances and hosts are kept. */
  get size(): number {
    return this.instances.size + this.hosts.size;
  }

  /** Takes in the records of one response. */
  hear(records: readonly DnsRecord[], now: number): void {
    for (const record of records)
      if (record.type === 'PTR') this.hearPointer(record.name, record.data, record.ttl, now);
    const touched = new Set<Instance>();
    for (const record of records) {
      const instance = this.instances.get(foldName(record.name));
      if (instance === undefined || (record.type !== 'SRV' && record.type !== 'TXT')) continue;
      touched.add(instance);
      if (record.type === 'SRV') this.hearService(instance, record.data, record.ttl, now);
      else if (record.ttl > 0) instance.txt = { claim: decodeTxt(record.data), life: this.lifeOf(record.ttl, now) };
    }
    const flushed = new Set<string>();
    // The hosts that are spoken of, with the ip that each had before.
    const ips = new Map<Host, string | undefined>();
    for (const record of records) {
      if (record.type !== 'A' && record.type !== 'AAAA') continue;
      const host = this.hosts.get(foldName(record.name));
      if (host === undefined) continue;
      if (!ips.has(host)) ips.set(host, host.addresses.ip);
      // The first of this packet replaces what older ones said, the others add to it.
      const kind = `${record.type} ${foldName(record.name)}`;
      if (record.flush === true && !flushed.has(kind)) host.addresses.flush(record.type);
      flushed.add(kind);
      const life = record.ttl === 0 ? undefined : this.lifeOf(record.ttl, now);
      if (!host.addresses.set(record.type, record.data, life)) this.refused++;
    }
    for (const [host, ip] of ips) {
      if (host.addresses.ip !== ip) for (const user of host.users) touched.add(user);
    }
    for (const instance of touched) this.judge(instance);
  }

  /** Forgets what has outlived its time. */
  expire(now: number): void {
    this.expiryAt = NEVER;
    for (const { addresses } of this.hosts.values()) this.expiryAt = Math.min(this.expiryAt, addresses.expire(now));
    for (const [key, instance] of this.instances) {
      if (instance.life.until <= now) {
        this.drop(key, instance);
        continue;
      }
      if (instance.srv !== undefined && instance.srv.life.until <= now) this.setService(instance, undefined);
      if (instance.txt !== undefined && instance.txt.life.until <= now) instance.txt = undefined;
      const { life, srv, txt } = instance;
      this.expiryAt = Math.min(this.expiryAt, life.until, srv?.life.until ?? NEVER, txt?.life.until ?? NEVER);
      this.judge(instance);
    }
  }

  /** When to look for what has expired. */
  nextExpiry(): number {
    return this.expiryAt;
  }

  peers(): DiscoveredPeer[] {
    return [...this.instances.values()].flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  }

  /**
   * What a query tells that it knows already (RFC 6762, section 7.1): pointers in the first half of their lives. Whoever sees
   * its pointer there sends none of the records behind it either, so that these count too.
   */
  knownAnswers(now: number, most: number): DnsRecord[] {
    const answers: DnsRecord[] = [];
    for (const { name, life, srv, txt } of this.instances.values()) {
      if (answers.length === most) break;
      if (![life, srv?.life ?? life, txt?.life ?? life].every((each) => isFresh(each, now))) continue;
      if (srv?.host.isFresh(now) === false) continue;
      answers.push({ name: this.serviceName, type: 'PTR', ttl: Math.floor((life.until - now) / 1000), data: name });
    }
    return answers;
  }

  /** Questions for what instances still lack. */
  missing(most: number): DnsQuestion[] {
    const questions: DnsQuestion[] = [];
    for (const { name, srv, txt } of this.instances.values()) {
      if (questions.length + 3 > most) break;
      if (srv === undefined) questions.push({ name, type: 'SRV' });
      else if (srv.host.ip === undefined) {
        questions.push({ name: srv.host.name, type: 'A' }, { name: srv.host.name, type: 'AAAA' });
      }
      if (txt === undefined) questions.push({ name, type: 'TXT' });
    }
    return questions;
  }

  private hearPointer(service: string, name: string, ttl: number, now: number): void {
    const key = foldName(name);
    if (foldName(service) !== this.serviceName || !key.endsWith(`.${this.serviceName}`)) return;
    const instance = this.instances.get(key);
    if (ttl === 0) {
      if (instance !== undefined) this.drop(key, instance);
      return;
    }
    const life = this.lifeOf(ttl, now);
    if (instance !== undefined) instance.life = life;
    else if (this.instances.size >= TABLE_LIMITS.instances) this.refused++;
    else this.instances.set(key, { name, life, srv: undefined, txt: undefined, peer: undefined });
  }

  private hearService(
    instance: Instance,
    { target, port }: { readonly target: string; readonly port: number },
    ttl: number,
    now: number,
  ): void {
    this.setService(instance, ttl === 0 ? undefined : { target: foldName(target), port, life: this.lifeOf(ttl, now) });
  }

  /** A host is known as long as an instance is there. */
  private setService(
    instance: Instance,
    next: { readonly target: string; readonly port: number; readonly life: Life } | undefined,
  ): void {
    const before = instance.srv?.host.name;
    if (before !== undefined && before !== next?.target) {
      const host = this.hosts.get(before);
      host?.users.delete(instance);
      if (host?.users.size === 0) this.hosts.delete(before);
    }
    if (next === undefined) {
      instance.srv = undefined;
      return;
    }
    const { target, port, life } = next;
    const host = this.hosts.get(target) ?? { addresses: new HostAddresses(target), users: new Set() };
    this.hosts.set(target, host);
    host.users.add(instance);
    instance.srv = { host: host.addresses, port, life };
  }

  private drop(key: string, instance: Instance): void {
    this.setService(instance, undefined);
    this.instances.delete(key);
    if (instance.peer !== undefined) this.version++;
  }

  private judge(instance: Instance): void {
    const { srv, txt, peer: before } = instance;
    const ip = srv?.host.ip;
    const checked =
      srv === undefined || ip === undefined
        ? undefined
        : checkClaim({ ...txt?.claim, address: addressOf(ip, srv.port) });
    if (checked?.ok === false) this.refused++;
    const next = checked?.ok === true ? checked.peer : undefined;
    if (before === next || (before !== undefined && next !== undefined && samePeer(before, next))) return;
    instance.peer = next;
    this.version++;
  }

  private lifeOf(seconds: number, now: number): Life {
    const ttlMs = Math.min(seconds * 1000, TABLE_LIMITS.ttlMs);
    this.expiryAt = Math.min(this.expiryAt, now + ttlMs);
    return { until: now + ttlMs, ttlMs };
  }
}

function addressOf(ip: string, port: number): string | undefined {
  try {
    return tcpAddress(ip, port);
  } catch (error) {
    if (DomusError.is(error)) return undefined;
    throw error;
  }
}
