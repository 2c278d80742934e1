/**
 * The topology of one node as a pure machine: bytes, outcomes and ticks in; messages, events and a deadline out (topology).
 * It joins the table, the links, the detector and the comparing of tables, and owns the moments at which they act.
 *
 * Long on purpose: the moments of a node stand here together, and nowhere else.
 *
 * 1. Every message is bounded, a link has one at a time, and each pace is fixed: what a node sends does not grow with the
 *    number of nodes, but for what there is to tell.
 * 2. Two tables that meet become equal unless a message is lost, and every node meets others for ever: along its links, by
 *    wandering, and by trying seeds and the dead.
 * 3. A node without links goes on trying for as long as it runs.
 */
import { Detector, pick } from './detector.ts';
import { type ExchangeEnd, Exchanges, recordFact } from './exchange.ts';
import { GOSSIP_FACTS_MAX_BYTES, MESSAGE_MAX_BYTES } from './limits.ts';
import { hasNews, type Link, Links } from './links.ts';
import { LocalHealth } from './local-health.ts';
import { Membership, signedRecord } from './membership.ts';
import { MESSAGE, type MessageType, REJECTED } from './message-types.ts';
import * as messages from './messages.ts';
import type { NewsItem } from './news-log.ts';
import { type Entry, isGone } from './node-table.ts';
import { type Failure, Outbox, type Outcome } from './outbox.ts';
import type { NodeRecord, SignedRecord } from './record.ts';
import { decodeRecord, encodeBody, encodeRecord, SIGNED_PREFIX } from './record-codec.ts';
import type { TopologySettings } from './settings.ts';
import { suspicionTimeoutMs } from './suspicion.ts';
import type { RecordSigner, TopologySink, TopologyWorld } from './topology-sink.ts';

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING = new Uint8Array(0);

/** What a node says of itself; the machine adds the incarnation. */
export type OwnNode = Omit<NodeRecord, 'incarnation' | 'left'>;

export interface TopologyCoreOptions {
  readonly own: OwnNode;
  readonly settings: TopologySettings;
  readonly world: TopologyWorld;
  readonly signer: RecordSigner;
  readonly sink: TopologySink;
  readonly now: number;
}

/** How a message is to be answered: undefined accepts, a text rejects with it. */
export type Rejection = string | undefined;

type Life = 'idle' | 'running' | 'leaving' | 'stopped';

/** When what is due next. */
interface Moments {
  probe: number;
  gossip: number;
  seek: number;
  wander: number;
  shuffle: number;
  heal: number;
  sweep: number;
  refute: number;
}

/** Asks for its record are kept apart from everything else: whoever asked is told. */
interface Question {
  readonly peer: string;
  readonly deadline: number;
  answered(record: SignedRecord | undefined, failure: Failure | undefined): void;
}

/** Of what is noticed so late the lateness says more than the thing itself. */
const LATE_MS = 250;
/** Seeds beside those of the start. */
const SEEDS_MAX = 1024;
const SWEEP_PERIOD_MS = 10_000;
/** A domus that has said that it has no topology is not asked again for so long. */
const OUTSIDE_FOR_MS = 60_000;
const OUTSIDE_MAX = 1024;
/** Probe periods that differences on a link may last before tables are compared, and the longest pause after that. */
const MISMATCHES = 2;
const LONGEST_COMPARE_PAUSE_PERIODS = 60;

export class TopologyCore {
  readonly membership: Membership;
  readonly links: Links = new Links();
  readonly health: LocalHealth;
  readonly exchanges: Exchanges;
  private readonly detector: Detector;
  private readonly outbox: Outbox;
  private readonly settings: TopologySettings;
  private readonly world: TopologyWorld;
  private readonly sink: TopologySink;
  private signer: RecordSigner;
  private own: OwnNode;
  private life: Life = 'idle';
  /** Nobody could be had for a link, although there is somebody to ask. */
  isAlone = false;
  /** First those of the start, which stay, then what was told later, the latest last. */
  private seeds: string[] = [];
  private ownSeeds = 0;
  private nextSeed = 0;
  /** The address that is being asked to become a link. */
  private asking: string | undefined = undefined;
  private seekPauseMs = 0;
  private lastGossip = Number.NEGATIVE_INFINITY;
  private lastOutbid = Number.NEGATIVE_INFINITY;
  /** Nobody is judged before: this node was asleep, and answers may lie in what it has not read yet. */
  private judgeFrom = Number.NEGATIVE_INFINITY;
  private readonly outside: Map<string, number> = new Map();
  private readonly questions: Map<number, Question> = new Map();
  private lastQuestion = 0;
  private readonly at: Moments = {
    probe: NEVER,
    gossip: NEVER,
    seek: NEVER,
    wander: NEVER,
    shuffle: NEVER,
    heal: NEVER,
    sweep: NEVER,
    refute: NEVER,
  };

  constructor({ own, settings, world, signer, sink, now }: TopologyCoreOptions) {
    this.settings = settings;
    this.world = world;
    this.sink = sink;
    this.signer = signer;
    this.own = own;
    this.health = new LocalHealth(settings.lifeguard);
    this.outbox = new Outbox(sink, settings.lifeguard);
    const first = this.signed(Math.max(1, Math.floor(world.wallNow())), false);
    this.membership = new Membership(first, settings, world, sink, this.health);
    const { membership, outbox, health } = this;
    this.detector = new Detector({ settings, membership, outbox, health, random: () => world.random() });
    this.exchanges = new Exchanges(membership, outbox, settings.linkTimeoutMs, (at) => this.refute(at));
    this.at.sweep = now + SWEEP_PERIOD_MS;
  }

  /** Begins to look for others. */
  start(seeds: readonly string[], now: number): void {
    this.life = 'running';
    this.seeds = pick(seeds, seeds.length, () => this.world.random());
    this.ownSeeds = seeds.length;
    const { settings } = this;
    this.at.seek = now;
    this.at.probe = now + this.upTo(settings.probePeriodMs);
    this.at.wander = now + this.upTo(settings.wanderPeriodMs);
    this.at.shuffle = now + this.upTo(settings.shufflePeriodMs);
    this.at.heal = now + this.upTo(settings.healPeriodMs);
  }

  /** More addresses to try. Of too many those that were told longest ago are forgotten: a discovery tells of whoever comes. */
  addSeeds(seeds: readonly string[], now: number): void {
    for (const seed of seeds) {
      const place = this.seeds.indexOf(seed);
      if (place >= 0 && place < this.ownSeeds) continue;
      if (place >= 0) this.seeds.splice(place, 1);
      this.seeds.push(seed);
      if (this.seeds.length - this.ownSeeds > SEEDS_MAX) this.seeds.splice(this.ownSeeds, 1);
    }
    this.seekSoon(now);
  }

  /** The own node is another: announces that. Also for a new signer (a renewed certificate). */
  announce(own: OwnNode, now: number, signer: RecordSigner = this.signer): void {
    this.own = own;
    this.signer = signer;
    this.membership.publish(this.signed(this.membership.nextIncarnation(), false), now);
    this.planGossip(now);
  }

  /** Announces that this node leaves; `done` once all links have heard, or have not in time. Nothing is probed any more. */
  leave(now: number, done: () => void): void {
    this.life = 'leaving';
    this.membership.publish(this.signed(this.membership.nextIncarnation(), true), now);
    const others = this.links.all().map(({ address }) => address);
    let open = others.length;
    const settled = (): void => {
      open -= 1;
      if (open === 0) done();
    };
    const outcome: Outcome = { delivered: settled, failed: settled };
    const facts = [messages.encodeFact(recordFact(this.ownEntry(), now))];
    const { rootHi, rootLo } = this.membership.table.digest;
    const payload = messages.encodeGossip(0, rootHi, rootLo, facts);
    if (open === 0) done();
    for (const address of others) {
      this.outbox.post(address, MESSAGE.gossip, payload, now + this.settings.linkTimeoutMs, outcome);
    }
  }

  /** Ends everything; outcomes that come later do nothing. */
  stop(): void {
    this.life = 'stopped';
    for (const name of Object.keys(this.at) as (keyof Moments)[]) this.at[name] = NEVER;
  }

  /** Makes the tables of this node and a peer the same. */
  sync(peer: string, now: number, deadline: number, ended: (end: ExchangeEnd, now: number) => void): void {
    this.exchanges.start(peer, now, ended, deadline);
  }

  /** Asks a peer for its own record. */
  ask(peer: string, deadline: number, answered: Question['answered']): void {
    this.lastQuestion = (this.lastQuestion + 1) >>> 0;
    const token = this.lastQuestion;
    this.questions.set(token, { peer, deadline, answered });
    this.outbox.post(peer, MESSAGE.infoRequest, messages.encodeNumber(token), deadline, {
      delivered: () => {},
      failed: (failure) => this.answerQuestion(token, undefined, failure),
    });
  }

  /** A message has come from the domus of a proven address. */
  received(from: string, type: number, payload: Uint8Array, now: number): Rejection {
    if (this.life === 'stopped') return REJECTED.stopped;
    if (payload.length > MESSAGE_MAX_BYTES) return this.malformed();
    this.outside.delete(from);
    this.detector.reached(from);
    try {
      return this.take(from, type as MessageType, payload, now);
    } catch (error) {
      if ((error as Error).name === 'MalformedItem') return this.malformed();
      throw error;
    } finally {
      this.refute(now);
      this.planGossip(now);
    }
  }

  /** A message was accepted. */
  delivered(token: number, now: number): void {
    if (this.life === 'stopped') return;
    this.outbox.delivered(token, now);
    this.planGossip(now);
  }

  /** A message failed. */
  failed(token: number, failure: Failure, now: number, text: string): void {
    if (this.life === 'stopped') return;
    this.outbox.failed(token, failure, now, text);
    this.planGossip(now);
  }

  nextDeadline(): number {
    if (this.life === 'stopped') return NEVER;
    const { at } = this;
    let next = Math.min(this.exchanges.nextDeadline(), at.sweep);
    for (const { deadline } of this.questions.values()) next = Math.min(next, deadline);
    if (this.life !== 'running') return next;
    next = Math.min(
      next,
      Math.max(this.judgeFrom, Math.min(this.membership.nextVerdict(), this.detector.nextDeadline())),
    );
    return Math.min(next, at.probe, at.gossip, at.seek, at.wander, at.shuffle, at.heal, at.refute);
  }

  tick(now: number): void {
    if (this.life === 'stopped') return;
    const { at, settings } = this;
    this.noticeSleep(now);
    this.exchanges.tick(now);
    for (const [token, { deadline }] of this.questions) {
      if (now >= deadline) this.answerQuestion(token, undefined, 'unreachable');
    }
    if (now >= at.sweep) {
      this.membership.sweep(now);
      at.sweep = now + SWEEP_PERIOD_MS;
    }
    if (this.life !== 'running') return;
    if (now >= this.judgeFrom) {
      this.detector.tick(now);
      this.membership.judge(now);
    }
    this.dropDeadLinks(now);
    this.refute(now);
    if (now >= at.probe) this.probeLinks(now);
    this.planGossip(now);
    if (now >= at.gossip) this.gossip(now);
    if (now >= at.seek) this.seek(now);
    if (now >= at.wander) {
      at.wander = now + this.about(settings.wanderPeriodMs);
      this.wander(now);
    }
    if (now >= at.shuffle) {
      at.shuffle = now + this.about(settings.shufflePeriodMs);
      this.shuffle(now);
    }
    if (now >= at.heal) {
      at.heal = now + this.about(settings.healPeriodMs);
      this.heal(now);
    }
  }

  /** How long this node would suspect another that nobody else suspects. */
  longestSuspicionMs(): number {
    return suspicionTimeoutMs(0, this.membership.size, this.settings);
  }

  private take(from: string, type: MessageType, payload: Uint8Array, now: number): Rejection {
    switch (type) {
      case MESSAGE.gossip:
        return this.takeGossip(from, payload, now);
      case MESSAGE.link:
        return this.takeLink(from, messages.decodeNumber(payload), now);
      case MESSAGE.unlink:
        if (this.links.remove(from)) this.lostLink(from, now);
        return undefined;
      case MESSAGE.compare:
        this.exchanges.answerCompare(from, payload, now);
        return undefined;
      case MESSAGE.differences:
        this.exchanges.differences(from, payload, now);
        return undefined;
      case MESSAGE.exchange:
        this.exchanges.exchange(from, payload, now);
        return undefined;
      case MESSAGE.probe:
        return undefined;
      case MESSAGE.probeRequest: {
        const { token, address } = messages.decodeProbeRequest(payload);
        this.detector.help(from, token, address, now);
        return undefined;
      }
      case MESSAGE.probeResult: {
        const { token, reached } = messages.decodeProbeResult(payload);
        this.detector.result(from, token, reached);
        return undefined;
      }
      case MESSAGE.infoRequest:
        this.answerInfo(from, messages.decodeNumber(payload), now);
        return undefined;
      case MESSAGE.info:
        return this.takeInfo(from, payload);
      default:
        return this.malformed();
    }
  }

  private takeGossip(from: string, payload: Uint8Array, now: number): Rejection {
    const { degree, rootHi, rootLo, facts } = messages.decodeGossip(payload);
    for (const fact of facts) this.membership.learn(fact, from, now);
    const link = this.links.get(from);
    if (link === undefined) return REJECTED.notLinked;
    link.degree = degree;
    const { digest } = this.membership.table;
    if (digest.rootHi === rootHi && digest.rootLo === rootLo) {
      link.mismatches = 0;
      link.comparePauseMs = 0;
    } else if (facts.length === 0 && !this.hasNews(link)) this.mismatch(link, now);
    return undefined;
  }

  /** Both sides have told all their news, and yet their tables differ. */
  private mismatch(link: Link, now: number): void {
    link.mismatches += 1;
    if (link.mismatches < MISMATCHES || now < link.compareFrom || this.exchanges.count > 0) return;
    this.compareWith(link, now);
  }

  private compareWith(link: Link, now: number): void {
    const { probePeriodMs } = this.settings;
    this.exchanges.start(link.address, now, (end, at) => {
      link.mismatches = 0;
      const moved = end.kind === 'equal' && end.moved > 0;
      const longer = Math.max(probePeriodMs * 2, link.comparePauseMs * 2);
      link.comparePauseMs = moved ? probePeriodMs : Math.min(longer, probePeriodMs * LONGEST_COMPARE_PAUSE_PERIODS);
      link.compareFrom = at + link.comparePauseMs;
      if (moved) this.seekSoon(at);
      this.planGossip(at);
    });
  }

  private takeLink(from: string, degree: number, now: number): Rejection {
    if (this.life !== 'running') return REJECTED.stopped;
    if (!this.links.has(from)) {
      const admits = this.links.admits(degree, this.settings.links + 1);
      if (admits === 'no') return REJECTED.full;
      if (admits === 'instead-of-another') this.spare(from, now);
    }
    this.links.add(from, degree + 1, this.membership.news);
    this.isAlone = false;
    return undefined;
  }

  private answerInfo(from: string, token: number, now: number): void {
    const payload = messages.encodeInfo(token, this.membership.own.bytes);
    this.outbox.post(from, MESSAGE.info, payload, now + this.settings.linkTimeoutMs, {
      delivered: () => {},
      failed: () => {},
    });
  }

  private takeInfo(from: string, payload: Uint8Array): Rejection {
    const { token, record } = messages.decodeInfo(payload);
    if (this.questions.get(token)?.peer !== from) return undefined;
    const signed = this.membership.verified(record, from);
    const isTheirs = signed?.record.address === from;
    this.answerQuestion(token, isTheirs ? signed : undefined, isTheirs ? undefined : 'rejected');
    return undefined;
  }

  private answerQuestion(token: number, record: SignedRecord | undefined, failure: Failure | undefined): void {
    const question = this.questions.get(token);
    this.questions.delete(token);
    question?.answered(record, failure);
  }

  private malformed(): Rejection {
    this.membership.refusals.malformed += 1;
    return REJECTED.malformed;
  }

  /** A tick that comes long after its time says that this node was asleep. */
  private noticeSleep(now: number): void {
    if (!this.settings.lifeguard || now <= this.nextDeadline() + LATE_MS) return;
    this.health.bad();
    this.judgeFrom = now + this.settings.probePeriodMs;
  }

  /** Probes every link: a gossip message, with or without news, must be accepted in time. */
  private probeLinks(now: number): void {
    this.at.probe = now + this.about(this.settings.probePeriodMs * this.health.factor);
    for (const link of this.links.all()) if (!link.isBusy) this.sendGossip(link, now);
  }

  private gossip(now: number): void {
    this.at.gossip = NEVER;
    this.lastGossip = now;
    for (const link of this.links.all()) if (!link.isBusy && this.hasNews(link)) this.sendGossip(link, now);
  }

  /** Plans the next telling of news, where there is some that can be told. */
  private planGossip(now: number): void {
    if (this.life !== 'running' || this.at.gossip !== NEVER) return;
    for (const link of this.links.all()) {
      if (link.isBusy || !this.hasNews(link)) continue;
      this.at.gossip = Math.max(now, this.lastGossip + this.settings.gossipPeriodMs);
      return;
    }
  }

  private sendGossip(link: Link, now: number): void {
    const { digest } = this.membership.table;
    const { facts, upTo } = this.factsFor(link, now);
    const payload = messages.encodeGossip(this.links.size, digest.rootHi, digest.rootLo, facts);
    const deadline = now + this.settings.probeTimeoutMs * this.health.factor;
    link.isBusy = true;
    this.outbox.post(link.address, MESSAGE.gossip, payload, deadline, {
      delivered: () => {
        link.isBusy = false;
        link.toldUpTo = Math.max(link.toldUpTo, upTo);
        this.health.good();
        this.detector.reached(link.address);
      },
      failed: (failure, at, text) => {
        link.isBusy = false;
        if (this.links.get(link.address) === link) this.gossipFailed(link, failure, at, text);
      },
    });
  }

  private gossipFailed(link: Link, failure: Failure, now: number, text: string): void {
    const { address } = link;
    if (failure === 'inconclusive') {
      this.health.bad();
      return;
    }
    if (failure === 'rejected') {
      // Whatever else it says, such as that it is busy: it is there.
      if (text !== REJECTED.notLinked && text !== REJECTED.stopped) return;
      this.links.remove(address);
      this.lostLink(address, now);
      return;
    }
    const entry = this.membership.table.liveAt(address);
    if (entry === undefined) {
      this.links.remove(address);
      this.lostLink(address, now);
    } else this.detector.check(address, this.helpers(address), now);
    this.health.bad();
  }

  /** The news that a link has not heard, as much as fits. */
  private factsFor(link: Link, now: number): { readonly facts: Uint8Array[]; readonly upTo: number } {
    const { news } = this.membership;
    const facts: Uint8Array[] = [];
    let size = 0;
    let upTo = link.toldUpTo;
    if (!news.covers(upTo)) {
      // Too far behind: what it has missed is found by comparing tables.
      upTo = news.last;
      link.mismatches = MISMATCHES;
    }
    while (upTo < news.last) {
      const item = news.at(upTo + 1);
      if (item !== undefined && item.origin !== link.address && this.isCurrent(item)) {
        const fact = messages.encodeFact(this.factOf(item, now));
        if (facts.length > 0 && size + fact.length > GOSSIP_FACTS_MAX_BYTES) break;
        facts.push(fact);
        size += fact.length;
      }
      upTo += 1;
    }
    return { facts, upTo };
  }

  private factOf(item: NewsItem, now: number): messages.Fact {
    const entry = this.membership.table.get(item.nodeId)!;
    const { signed } = entry;
    if (item.news === 'record') return recordFact(entry, now);
    const { key, stampHi, stampLo } = signed;
    const about = { key, incarnation: item.incarnation, stampHi, stampLo };
    if (item.news === 'suspect') return { kind: 'suspect', about, claimer: item.claimer };
    return { kind: 'dead', about, claimer: item.claimer, ageMs: isGone(entry) ? now - entry.goneAt : 0 };
  }

  /** Whether the table has not moved on since. */
  private isCurrent(item: NewsItem): boolean {
    const entry = this.membership.table.get(item.nodeId);
    if (entry === undefined || entry.signed.record.incarnation !== item.incarnation) return false;
    return item.news !== 'suspect' || !isGone(entry);
  }

  private hasNews(link: Link): boolean {
    const { news } = this.membership;
    return !news.covers(link.toldUpTo) || hasNews(link, news, (item) => this.isCurrent(item));
  }

  /** Asks somebody to become a link, where there are too few. */
  private seek(now: number): void {
    this.at.seek = NEVER;
    if (this.links.size >= this.settings.links || this.asking !== undefined) return;
    const address = this.candidate(now);
    if (address === undefined) {
      this.seekLater(now);
      return;
    }
    this.askForLink(address, now);
  }

  private askForLink(address: string, now: number): void {
    this.asking = address;
    const payload = messages.encodeNumber(this.links.size);
    this.outbox.post(address, MESSAGE.link, payload, now + this.settings.linkTimeoutMs, {
      delivered: (at) => {
        this.asking = undefined;
        this.linked(address, at);
      },
      failed: (failure, at) => {
        this.asking = undefined;
        this.notLinked(address, failure, at);
      },
    });
  }

  private linked(address: string, now: number): void {
    if (this.life !== 'running') return;
    this.isAlone = false;
    const link = this.links.has(address) ? this.links.get(address)! : this.links.add(address, 0, this.membership.news);
    this.seekPauseMs = 0;
    this.at.seek = now;
    this.compareWith(link, now);
    if (this.links.size > this.settings.links + 1) this.spare(address, now);
  }

  private notLinked(address: string, failure: Failure, now: number): void {
    if (this.links.size === 0) this.isAlone = true;
    if (failure === 'outside') this.noteOutside(address, now);
    else if (failure === 'unreachable' && this.links.size > 0) this.detector.check(address, this.helpers(address), now);
    this.sink.release(address);
    this.seekLater(now);
  }

  /** The pause before the next attempt doubles, from a probe period up to the heal period. */
  private seekLater(now: number): void {
    const { probePeriodMs, healPeriodMs } = this.settings;
    this.seekPauseMs = Math.min(Math.max(probePeriodMs, this.seekPauseMs * 2), Math.max(probePeriodMs, healPeriodMs));
    this.at.seek = now + this.about(this.seekPauseMs);
  }

  /** Who could become a link: anybody who lives; a node without links also asks seeds and those who died. */
  private candidate(now: number): string | undefined {
    const members = this.strangers();
    const isAlone = this.links.size === 0;
    const outsiders = isAlone ? this.outsiders(now) : [];
    const useSeed = outsiders.length > 0 && (members.length === 0 || this.world.random() % 2 === 0);
    if (!useSeed) return pick(members, 1, () => this.world.random())[0];
    this.nextSeed += 1;
    return outsiders[this.nextSeed % outsiders.length];
  }

  /** Addresses of those who live and are no links. */
  private strangers(): string[] {
    const strangers: string[] = [];
    const { own, table } = this.membership;
    const { live } = table;
    // A few at random are as good as all of them.
    const some = live.length > 64 ? pickSome(live, 16, () => this.world.random()) : live;
    for (const entry of some) {
      const { address } = entry.signed.record;
      const isOther = !this.membership.isOwn(entry) && address !== own.record.address;
      if (isOther && entry.suspicion === undefined && !this.links.has(address)) strangers.push(address);
    }
    return strangers;
  }

  /** Seeds that are not known to live, and one of the dead. */
  private outsiders(now: number): string[] {
    const { table, own } = this.membership;
    for (const [address, until] of this.outside) if (now >= until) this.outside.delete(address);
    const seeds = this.seeds.filter(
      (address) => address !== own.record.address && !this.outside.has(address) && table.liveAt(address) === undefined,
    );
    const dead = pickSome(table.gone, 4, () => this.world.random()).filter((entry) => !entry.signed.record.left);
    const [one] = dead.filter(
      ({ signed: { record } }) => record.address !== own.record.address && table.liveAt(record.address) === undefined,
    );
    return one === undefined ? seeds : [...seeds, one.signed.record.address];
  }

  private noteOutside(address: string, now: number): void {
    if (this.outside.size < OUTSIDE_MAX) this.outside.set(address, now + OUTSIDE_FOR_MS);
  }

  /** Compares tables with somebody at random, which joins what the links do not, and finds the dead whom nobody probes. */
  private wander(now: number): void {
    const [address] = pick(this.strangers(), 1, () => this.world.random());
    if (address !== undefined) this.visit(address, now);
  }

  private heal(now: number): void {
    const [address] = pick(this.outsiders(now), 1, () => this.world.random());
    if (address !== undefined) this.visit(address, now);
  }

  private visit(address: string, now: number): void {
    this.exchanges.start(address, now, (end, at) => {
      if (end.kind === 'failed') {
        if (end.failure === 'outside') this.noteOutside(address, at);
        else if (end.failure === 'unreachable') this.detector.check(address, this.helpers(address), at);
      }
      if (!this.links.has(address)) this.sink.release(address);
      this.planGossip(at);
    });
  }

  /** Exchanges one link for a random one, so that the graph of links stays random. */
  private shuffle(now: number): void {
    const { links, settings } = this;
    if (links.size < settings.links || this.asking !== undefined) return;
    const [address] = pick(this.strangers(), 1, () => this.world.random());
    if (address === undefined) return;
    const [link] = pick(links.all(), 1, () => this.world.random());
    this.endLink(link!, now);
    this.askForLink(address, now);
  }

  private spare(except: string, now: number): void {
    const link = this.links.richest(except, () => this.world.random());
    if (link !== undefined) this.endLink(link, now);
  }

  private endLink({ address }: Link, now: number): void {
    this.links.remove(address);
    this.outbox.post(address, MESSAGE.unlink, NOTHING, now + this.settings.linkTimeoutMs, {
      delivered: () => this.releaseUnlinked(address),
      failed: () => this.releaseUnlinked(address),
    });
  }

  private releaseUnlinked(address: string): void {
    if (!this.links.has(address) && !this.exchanges.isRunning(address)) this.sink.release(address);
  }

  private lostLink(address: string, now: number): void {
    this.sink.release(address);
    this.seekSoon(now);
  }

  private seekSoon(now: number): void {
    if (this.life !== 'running' || this.links.size >= this.settings.links) return;
    this.seekPauseMs = 0;
    this.at.seek = Math.min(this.at.seek, now + this.upTo(this.settings.gossipPeriodMs));
  }

  private dropDeadLinks(now: number): void {
    for (const { address } of this.links.all()) {
      if (this.membership.table.liveAt(address) !== undefined) continue;
      const known = this.membership.table.gone.some(({ signed }) => signed.record.address === address);
      if (!known) continue; // Its record has not come yet.
      this.links.remove(address);
      this.lostLink(address, now);
    }
  }

  private helpers(address: string): string[] {
    return this.links
      .all()
      .map((link) => link.address)
      .filter((other) => other !== address && this.membership.table.liveAt(other)?.suspicion === undefined);
  }

  /** Answers what was claimed of this node, no more often than news is told. */
  private refute(now: number): void {
    const { membership } = this;
    if (!membership.mustOutbid || this.life !== 'running') return;
    // Two that live at one address would answer each other for ever, and everybody would hear of it.
    const { gossipPeriodMs, healPeriodMs } = this.settings;
    this.at.refute = this.lastOutbid + (membership.isContested ? healPeriodMs : gossipPeriodMs);
    if (now < this.at.refute) return;
    this.at.refute = NEVER;
    this.lastOutbid = now;
    membership.publish(this.signed(membership.nextIncarnation(), false), now);
  }

  private signed(incarnation: number, left: boolean): SignedRecord {
    const body = encodeBody({ ...this.own, incarnation, left });
    const toSign = new Uint8Array(SIGNED_PREFIX.length + body.length);
    toSign.set(SIGNED_PREFIX);
    toSign.set(body, SIGNED_PREFIX.length);
    const bytes = encodeRecord(body, this.signer.sign(toSign), this.signer.chain);
    // As others will read it: lists in order, and frozen.
    return signedRecord(decodeRecord(bytes), this.signer.validFromMs, this.world);
  }

  private ownEntry(): Entry {
    return this.membership.table.get(this.own.nodeId)!;
  }

  /** A random time up to so long: nodes that start together shall not act together. */
  private upTo(ms: number): number {
    return this.world.random() % Math.max(1, Math.round(ms));
  }

  /** A time between nine and eleven tenths of this one. */
  private about(ms: number): number {
    return Math.round(ms * 0.9) + this.upTo(ms * 0.2);
  }
}

/** So many of a long list, at random, perhaps with doubles. */
function pickSome<Item>(items: readonly Item[], count: number, random: () => number): Item[] {
  if (items.length === 0) return [];
  return Array.from({ length: count }, () => items[random() % items.length]!);
}
