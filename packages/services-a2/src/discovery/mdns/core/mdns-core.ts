/**
 * The machine of DNS-SD over multicast DNS (RFC 6762, RFC 6763): asks for instances of one service, keeps what it hears, and
 * answers for the own instance. Packets and `now` in; packets and changes out, through the sink that it was built with.
 *
 * 1. It asks once in each browse interval, and names what it knows, so that instances of which it heard lately stay quiet. It
 *    asks sooner where something would expire before, a second apart at least (RFC 6762, section 5.2).
 * 2. It announces the own instance twice, a second apart, when it appears or changes; it answers after a random 20..120 ms.
 * 3. However it is asked, it sends the own records at most once a second (RFC 6762, section 6).
 * 4. Withdrawing says goodbye at once.
 */
import type { DiscoveredPeer } from '../../discovery.ts';
import { type DnsQuestion, type DnsRecord, foldName, type HeardPacket, knownRecords } from './dns-record.ts';
import { InstanceTable } from './instance-table.ts';

export interface MdnsSettings {
  /** `_name._tcp.local`. */
  readonly serviceName: string;
  readonly browseIntervalMs: number;
}

/** What the machine has done. It never calls back into the machine. */
export interface MdnsSink {
  query(questions: readonly DnsQuestion[], knownAnswers: readonly DnsRecord[]): void;
  respond(answers: readonly DnsRecord[]): void;
  /** Peers may have come, changed or gone. */
  changed(): void;
}

/** The records of the own instance. */
export interface OwnInstance {
  readonly name: string;
  readonly host: string;
  readonly ttl: number;
  readonly records: readonly DnsRecord[];
}

/** DNS-SD names all services of a network by this one (RFC 6763, section 9). */
const ENUMERATION = '_services._dns-sd._udp.local';
const RECORDS_MAX = 256;
const QUESTIONS_MAX = 64;
/** Keeps a query, names uncompressed, below the 9,000 bytes of a packet. */
const KNOWN_ANSWERS_MAX = 48;
const SPACING_MS = 1_000;
/** The part of a life after which it is asked whether that goes on. */
const ASK_AFTER = 0.8;
const NEVER = Number.POSITIVE_INFINITY;

export class MdnsCore {
  private readonly settings: MdnsSettings;
  private readonly sink: MdnsSink;
  private readonly fraction: () => number;
  private readonly table: InstanceTable;
  private own: OwnInstance | undefined = undefined;
  private queryAt = 0;
  private queriedAt = 0;
  private respondAt = NEVER;
  private respondedAt = Number.NEGATIVE_INFINITY;
  private repeats = 0;
  private enumerate = false;

  /** @param fraction a random number from 0 to 1, 1 excluded. */
  constructor(settings: MdnsSettings, sink: MdnsSink, fraction: () => number) {
    this.settings = settings;
    this.sink = sink;
    this.fraction = fraction;
    this.table = new InstanceTable(settings.serviceName);
  }

  /** What was heard and turned away. */
  get refused(): number {
    return this.table.refused;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.table.peers();
  }

  /** The own instance as it is now; undefined where there is nothing to announce. */
  announce(own: OwnInstance | undefined, now: number): void {
    const before = this.own;
    this.own = own;
    if (before !== undefined && before.name !== own?.name) this.sayGoodbye(before);
    this.repeats = own === undefined ? 0 : 1;
    this.respondAt = own === undefined ? NEVER : Math.max(now, this.respondedAt + SPACING_MS);
  }

  heard(packet: HeardPacket, now: number): void {
    if (packet.type === 'query') {
      this.heardQuery(packet, now);
      return;
    }
    const records = [...(packet.answers ?? []).slice(0, RECORDS_MAX), ...(packet.additionals ?? [])];
    const { version } = this.table;
    this.table.hear(knownRecords(records, RECORDS_MAX), now);
    if (this.table.version !== version) this.sink.changed();
  }

  nextDeadline(): number {
    return Math.min(this.queryAt, this.refreshAt(), this.respondAt, this.table.nextExpiry());
  }

  tick(now: number): void {
    // What is looked through knows its next expiry again, which may be later than it was thought to be.
    if (Math.min(this.refreshAt(), this.table.nextExpiry()) <= now) {
      const { version } = this.table;
      this.table.expire(now);
      if (this.table.version !== version) this.sink.changed();
    }
    if (this.respondAt <= now) this.respond(now);
    if (Math.min(this.queryAt, this.refreshAt()) > now) return;
    this.queriedAt = now;
    this.queryAt = now + this.settings.browseIntervalMs;
    const browse = { name: this.settings.serviceName, type: 'PTR' };
    this.sink.query([browse, ...this.table.missing(QUESTIONS_MAX)], this.table.knownAnswers(now, KNOWN_ANSWERS_MAX));
  }

  /** When to ask for what expires next; as time runs out, again. */
  private refreshAt(): number {
    const { queriedAt } = this;
    return queriedAt + Math.max(SPACING_MS, ASK_AFTER * (this.table.nextExpiry() - queriedAt));
  }

  private heardQuery(packet: HeardPacket, now: number): void {
    const { own } = this;
    if (own === undefined) return;
    const wanted = (packet.questions ?? []).slice(0, QUESTIONS_MAX).map((question) => this.wants(question, own));
    if (wanted.includes('types')) this.enumerate = true;
    const isKnown = this.isKnownOf(packet, own);
    if (!wanted.includes('types') && !wanted.includes('records') && (isKnown || !wanted.includes('pointer'))) return;
    const at = Math.max(now + 20 + this.fraction() * 100, this.respondedAt + SPACING_MS);
    this.respondAt = Math.min(this.respondAt, at);
  }

  private wants(question: DnsQuestion, own: OwnInstance): 'nothing' | 'types' | 'pointer' | 'records' {
    const name = foldName(question.name);
    const isAny = question.type === 'ANY';
    if (name === ENUMERATION && (isAny || question.type === 'PTR')) return 'types';
    if (name === this.settings.serviceName && (isAny || question.type === 'PTR')) return 'pointer';
    return name === foldName(own.name) || name === foldName(own.host) ? 'records' : 'nothing';
  }

  /** Whether the asker knows of the own instance, and will for at least half of its life. */
  private isKnownOf(packet: HeardPacket, own: OwnInstance): boolean {
    return knownRecords(packet.answers ?? [], RECORDS_MAX).some(
      ({ type, data, ttl }) => type === 'PTR' && foldName(data) === foldName(own.name) && ttl >= own.ttl / 2,
    );
  }

  private respond(now: number): void {
    const { own } = this;
    this.respondedAt = now;
    this.respondAt = this.repeats > 0 ? now + SPACING_MS : NEVER;
    this.repeats = 0;
    if (own === undefined) return;
    const types: DnsRecord[] = this.enumerate
      ? [{ name: ENUMERATION, type: 'PTR', ttl: own.ttl, data: this.settings.serviceName }]
      : [];
    this.enumerate = false;
    this.sink.respond([...own.records, ...types]);
  }

  /** The host's addresses stay: other instances may live there. */
  private sayGoodbye(own: OwnInstance): void {
    const records = own.records.filter(({ type }) => type !== 'A' && type !== 'AAAA');
    this.sink.respond(records.map((record) => ({ ...record, ttl: 0 })));
  }
}
