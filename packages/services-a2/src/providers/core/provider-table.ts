/**
 * The providers of one service as one client side sees them: who is on offer, what is under way with each, who is ejected
 * (a2-services, providers and picking). Pure: fed with snapshots of a discovery, outcomes of calls, and time.
 *
 * 1. On offer is who lists the service, is neither unhealthy nor draining, and is not ejected. Where nobody is left, nobody
 *    is on offer.
 * 2. The list is by address, each address once, frozen, and the same array until it changes.
 * 3. Nothing is kept of a provider that has left and has nothing under way.
 */
import type { DiscoveredPeer } from '../../discovery/discovery.ts';
import type { HealthState } from '../../health/health-state.ts';
import { type PickContext, type Picker, type ProviderLoad, pickProvider } from '../picker.ts';
import type { Provider } from '../provider.ts';
import { Admission, type AdmissionChange, type CallOutcome } from './admission.ts';
import { MovingAverage } from './moving-average.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { type ProviderWait, type ProviderWaiter, ProviderWaits } from './provider-waits.ts';

/** What a table tells its owner. All that it may do with the table from there is to read, `nextDeadline` above all. */
export interface ProviderSink {
  /** Its calls failed; it is not offered until `until`. */
  ejected(provider: Provider, failures: number, until: number): void;
  /** A call or a probe has succeeded. */
  readmitted(provider: Provider): void;
  /** It has left, and nothing is under way with it any more: its session may be closed. */
  released(provider: Provider): void;
}

/** The call that a provider is wanted for. */
export interface PickRequest {
  readonly procedure: string;
  readonly key?: string | undefined;
  /** Addresses that this call has been tried at. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /**
   * Whether the call may be the trial of an ejected provider, because it can be made again: it is idempotent. Where nobody
   * else is left, any call may.
   */
  readonly mayProbe: boolean;
}

/** A call, or a probe, under way with a provider. */
export interface ProviderCall {
  readonly provider: Provider;
  /**
   * The provider has taken the call, a stream: that was the trial of an ejected one. How long the stream lasts from here on is the
   * program's, and says nothing about the provider.
   */
  taken(now: number): void;
  /** Once; every later one is without effect. */
  end(outcome: CallOutcome, now: number): void;
}

interface Entry {
  provider: Provider;
  readonly admission: Admission;
  readonly latency: MovingAverage;
  inFlight: number;
  isListed: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;
const NOBODY: readonly Provider[] = Object.freeze([]);
const NO_LOAD: ProviderLoad = Object.freeze({ inFlight: 0, latencyMs: undefined });

export class ProviderTable {
  /** `service/version`. */
  readonly service: string;
  private readonly settings: ProviderSettings;
  private readonly sink: ProviderSink;
  private readonly waits: ProviderWaits;
  private readonly entries = new Map<string, Entry>();
  private isClosed = false;
  /** Who is on offer, those included whose trial is due; undefined where it has to be found out. */
  private offer: readonly Provider[] | undefined = undefined;
  /** The same without those. */
  private admitted: readonly Provider[] = NOBODY;
  /** When the offer changes by itself, because a trial becomes due. */
  private nextDue = NEVER;

  constructor(service: string, settings: ProviderSettings, sink: ProviderSink) {
    this.service = service;
    this.settings = settings;
    this.sink = sink;
    this.waits = new ProviderWaits(service);
  }

  /** Takes over a whole snapshot; peers that do not list the service are passed over. Of two with one address the first counts. */
  update(peers: readonly DiscoveredPeer[], now: number): void {
    if (this.isClosed) return;
    const seen = new Set<string>();
    for (const peer of peers) {
      if (seen.has(peer.address) || !peer.services.includes(this.service)) continue;
      seen.add(peer.address);
      this.list(peer, now);
    }
    for (const [address, entry] of this.entries) {
      if (seen.has(address) || !entry.isListed) continue;
      entry.isListed = false;
      this.releaseIfIdle(entry);
    }
    this.changed(now);
  }

  /** Everybody who lists the service, in whatever health, by address: for a broadcast. */
  known(): readonly Provider[] {
    return byAddress([...this.entries.values()].filter(({ isListed }) => isListed));
  }

  /** Who is on offer, by address. */
  offered(now: number): readonly Provider[] {
    if (this.offer !== undefined && now < this.nextDue) return this.offer;
    const offer: Entry[] = [];
    const admitted: Entry[] = [];
    this.nextDue = NEVER;
    for (const entry of this.entries.values()) {
      if (!isCallable(entry)) continue;
      const { state } = entry.admission;
      if (state.kind === 'admitted') admitted.push(entry);
      if (state.kind === 'admitted' || entry.admission.isDue(now)) offer.push(entry);
      else if (state.kind === 'ejected') this.nextDue = Math.min(this.nextDue, state.until);
    }
    this.admitted = byAddress(admitted);
    this.offer = offer.length === admitted.length ? this.admitted : byAddress(offer);
    return this.offer;
  }

  /** Undefined is `no-providers`: nobody but those that were tried is on offer. Throws what `pickProvider` throws. */
  pick(picker: Picker, request: PickRequest, now: number, random: () => number): Provider | undefined {
    const offer = this.offered(now);
    const call = new Choice(this, request, now, random);
    if (request.mayProbe || this.admitted.length === offer.length) return pickProvider(picker, offer, call);
    return pickProvider(picker, this.admitted, call) ?? pickProvider(picker, offer, call);
  }

  loadOf(address: string, now: number): ProviderLoad {
    const entry = this.entries.get(address);
    return entry === undefined ? NO_LOAD : { inFlight: entry.inFlight, latencyMs: entry.latency.value(now) };
  }

  /** A call to this provider begins; it may have left since it was picked. */
  begin(provider: Provider, now: number): ProviderCall {
    const entry = this.entries.get(provider.address);
    return entry === undefined ? { provider, taken() {}, end() {} } : this.begun(entry, false, now);
  }

  /** Begins a probe of an ejected provider whose time has come; undefined where there is none. */
  takeProbe(now: number): ProviderCall | undefined {
    for (const entry of this.entries.values()) {
      if (isCallable(entry) && entry.admission.isDue(now)) return this.begun(entry, true, now);
    }
    return undefined;
  }

  /** There is a sign of life, such as a connection that has come up: an ejected provider may be tried now. */
  seen(address: string, now: number): void {
    if (this.entries.get(address)?.admission.hurry(now) === true) this.changed(now);
  }

  /**
   * Tells the waiter once `wanted` providers are on offer, those not counted whose trial is due: the first that asks has it, and
   * the others nobody. Throws `invalid-config` for a number that is none.
   */
  wait(wanted: number, deadline: number, waiter: ProviderWaiter, now: number): ProviderWait {
    return this.waits.wait(wanted, this.admittedCount(now), deadline, waiter);
  }

  /** How many wait. */
  get waiting(): number {
    return this.waits.size;
  }

  /** When `tick` has something to do. */
  nextDeadline(): number {
    return Math.min(this.nextDue, this.waits.nextDeadline());
  }

  /** Afterwards `takeProbe` may have something. */
  tick(now: number): void {
    this.waits.tell(this.admittedCount(now), now);
  }

  /** Nobody is on offer any more; who waits is told. What is under way may still end. Idempotent. */
  close(): void {
    this.isClosed = true;
    for (const entry of this.entries.values()) entry.isListed = false;
    this.entries.clear();
    this.offer = NOBODY;
    this.admitted = NOBODY;
    this.nextDue = NEVER;
    this.waits.close();
  }

  private admittedCount(now: number): number {
    this.offered(now);
    return this.admitted.length;
  }

  private list(peer: DiscoveredPeer, now: number): void {
    const known = this.entries.get(peer.address);
    if (known === undefined || isAnother(known.provider, peer)) {
      const latency = new MovingAverage();
      const admission = new Admission(this.settings);
      const fresh: Entry = { provider: providerOf(peer), admission, latency, inFlight: 0, isListed: true };
      this.entries.set(peer.address, fresh);
      return;
    }
    const hasRecovered = !isOfferable(known.provider.health) && isOfferable(peer.health);
    known.isListed = true;
    if (!isSame(known.provider, peer)) known.provider = providerOf(peer);
    if (hasRecovered) known.admission.hurry(now);
  }

  /** What is under way with a provider has been taken, and may last. */
  taken({ entry, term }: UnderWay, now: number): void {
    this.admissionChanged(entry, entry.admission.ended(term, 'answered', true, now), now);
  }

  /** What is under way with a provider has come to its end. */
  ended(call: UnderWay, outcome: CallOutcome, now: number): void {
    const { entry, wasAdmitted } = call;
    entry.inFlight -= 1;
    if (call.isTimed) measure(entry, outcome, now - call.begunAt, now);
    const change = entry.admission.ended(call.term, outcome, call.isProbe, now);
    if (!entry.isListed || change !== 'none' || !wasAdmitted) this.admissionChanged(entry, change, now);
  }

  private admissionChanged(entry: Entry, change: AdmissionChange, now: number): void {
    // Another node may have the address by now, and then nothing of this one is on offer.
    if (this.entries.get(entry.provider.address) !== entry) return;
    this.releaseIfIdle(entry);
    if (!entry.isListed) return;
    this.changed(now);
    const { state } = entry.admission;
    if (change === 'ejected' && state.kind === 'ejected')
      this.sink.ejected(entry.provider, state.failures, state.until);
    if (change === 'readmitted') this.sink.readmitted(entry.provider);
  }

  private begun(entry: Entry, isProbe: boolean, now: number): ProviderCall {
    const wasAdmitted = entry.admission.state.kind === 'admitted';
    const term = entry.admission.begun(now);
    entry.inFlight += 1;
    if (!wasAdmitted) this.changed(now);
    return new UnderWay(this, entry, isProbe, term, wasAdmitted, now);
  }

  private releaseIfIdle(entry: Entry): void {
    if (entry.isListed || entry.inFlight > 0) return;
    this.entries.delete(entry.provider.address);
    this.sink.released(entry.provider);
  }

  private changed(now: number): void {
    if (this.isClosed) return;
    this.offer = undefined;
    this.waits.tell(this.admittedCount(now), now);
  }
}

class UnderWay implements ProviderCall {
  readonly provider: Provider;
  readonly entry: Entry;
  readonly isProbe: boolean;
  /** Of the admission that it was begun in. */
  readonly term: number;
  readonly wasAdmitted: boolean;
  readonly begunAt: number;
  /** How long it takes tells how fast the provider is. */
  isTimed: boolean;
  private readonly table: ProviderTable;
  private isOver = false;

  constructor(
    table: ProviderTable,
    entry: Entry,
    isProbe: boolean,
    term: number,
    wasAdmitted: boolean,
    begunAt: number,
  ) {
    this.table = table;
    this.provider = entry.provider;
    this.entry = entry;
    this.isProbe = isProbe;
    this.term = term;
    this.wasAdmitted = wasAdmitted;
    this.begunAt = begunAt;
    this.isTimed = !isProbe;
  }

  taken(now: number): void {
    this.isTimed = false;
    // Where it was admitted, only the end has something to tell.
    if (!this.isOver && !this.wasAdmitted) this.table.taken(this, now);
  }

  end(outcome: CallOutcome, now: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.table.ended(this, outcome, now);
  }
}

/** What a picker is told: no more is made for a call than it looks at. */
class Choice implements PickContext {
  readonly service: string;
  readonly procedure: string;
  readonly key: string | undefined;
  readonly exclude: ReadonlySet<string> | undefined;
  readonly random: () => number;
  readonly #table: ProviderTable;
  readonly #now: number;

  constructor(table: ProviderTable, request: PickRequest, now: number, random: () => number) {
    this.service = table.service;
    this.procedure = request.procedure;
    this.key = request.key;
    this.exclude = request.exclude;
    this.random = random;
    this.#table = table;
    this.#now = now;
  }

  /** A function of its own, since a picker may take it out of the context. */
  get loadOf(): (provider: Provider) => ProviderLoad {
    return ({ address }) => this.#table.loadOf(address, this.#now);
  }
}

function measure(entry: Entry, outcome: CallOutcome, tookMs: number, now: number): void {
  if (outcome === 'given-up') return;
  // Who fails fast must not look fast, but who never answers is slow.
  if (outcome !== 'answered' && tookMs <= (entry.latency.value(now) ?? 0)) return;
  entry.latency.add(tookMs, now);
}

function isCallable(entry: Entry): boolean {
  return entry.isListed && isOfferable(entry.provider.health);
}

function isOfferable(health: HealthState): boolean {
  return health === 'healthy' || health === 'unknown';
}

function providerOf({ address, nodeId, health, metadata }: DiscoveredPeer): Provider {
  return Object.freeze({ address, nodeId, health, metadata });
}

/** A node id that was not known before does not make another node. */
function isAnother(provider: Provider, peer: DiscoveredPeer): boolean {
  return provider.nodeId !== undefined && peer.nodeId !== undefined && provider.nodeId !== peer.nodeId;
}

function isSame(provider: Provider, peer: DiscoveredPeer): boolean {
  const { nodeId, health, metadata } = provider;
  if (nodeId !== peer.nodeId || health !== peer.health) return false;
  if (metadata === peer.metadata) return true;
  const names = Object.keys(metadata);
  if (names.length !== Object.keys(peer.metadata).length) return false;
  return names.every((name) => Object.hasOwn(peer.metadata, name) && metadata[name] === peer.metadata[name]);
}

function byAddress(entries: readonly Entry[]): readonly Provider[] {
  const providers = entries.map(({ provider }) => provider);
  return Object.freeze(providers.sort((one, other) => (one.address < other.address ? -1 : 1)));
}
