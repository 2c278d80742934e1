/**
 * The topology of a domus: who is in the imperium, who offers what, and whether they live (topology). It drives the pure machine of
 * `core/` over the port of A1, with one timer, and answers questions from its table.
 *
 * Long on purpose: all that an application may ask of the topology stands in one class.
 *
 * 1. Inputs to the machine are never nested: what is told from inside of it waits.
 * 2. A domus that has no topology is no fault: a question to one has the answer that there is none.
 * 3. After `stop` nothing is left: no timer, no taberna, no waiting promise.
 */
import { createHash } from 'node:crypto';
import {
  type DomusAddr,
  DomusError,
  type OptionNames,
  optionsOf,
  outOfRange,
  parseDestination,
} from '@flaminia/transport-a0';
import { signalOf } from '../feed.ts';
import type { HealthState } from '../health/health-state.ts';
import { inspectAsJson } from '../inspect-as-json.ts';
import type { Port, PortRequest, PortTaberna, SendFailure, SendWaiter } from '../port.ts';
import { requireSignal } from '../require-signal.ts';
import type { RefusalCounts } from './core/membership.ts';
import type { MessageType } from './core/message-types.ts';
import { MESSAGE } from './core/message-types.ts';
import { type Entry, stateOf } from './core/node-table.ts';
import type { Failure } from './core/outbox.ts';
import type { NodeRecord, SignedRecord } from './core/record.ts';
import { resolveTopologySettings, type TopologySettings } from './core/settings.ts';
import { type OwnNode, TopologyCore } from './core/topology-core.ts';
import type { RecordSigner, RecordVerifier, TopologyEvent } from './core/topology-sink.ts';
import { changedNode, checkTabernae, fittedNode, type OwnNodeChange, type TabernaToAnnounce } from './own-node.ts';
import { failureOf, rejectionOf } from './send-failures.ts';
import { type TopologyChange, TopologyChanges } from './topology-changes.ts';
import { TOPOLOGY_TABERNA } from './topology-taberna.ts';
import { type Question, waitFor } from './waiting.ts';

export interface TopologyOptions {
  readonly port: Port;
  readonly signer: RecordSigner;
  readonly verifier: RecordVerifier;
  readonly settings?: Partial<TopologySettings>;
  /** What the own node says of itself at first. Default: no services, no tabernae, health `unknown`, no metadata. */
  readonly node?: OwnNodeChange;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly wallNow?: () => number;
  /**
   * The topology needs no session with this peer any more. Default: ends the session where nothing is under way. Who shares
   * sessions with others decides here.
   */
  readonly releasePeer?: (address: DomusAddr) => void;
}

/** A node that is thought to live. */
export interface TopologyNode extends NodeRecord {
  /** It has not answered, and has a while to do so. */
  readonly isSuspect: boolean;
  readonly isSelf: boolean;
}

/** A question to a peer, and how long it may take. */
export interface AskOptions {
  /** Gives the question up, with its reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds, 1 to 600,000. Default 5,000. */
  readonly timeout?: number;
}

const ASK_OPTIONS: OptionNames<AskOptions> = { signal: true, timeout: true };

/** What `nodes()` gave, and what it was made of. */
interface Shown {
  readonly version: number;
  readonly own: SignedRecord;
  readonly rootHi: number;
  readonly rootLo: number;
  readonly nodes: readonly TopologyNode[];
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** A session that is not needed is kept this long, since it often is needed again. */
const RELEASE_AFTER_MS = 3_000;
const NOTHING = new Uint8Array(0);

/** Who is in the imperium (fabric), who offers what, and whether they live: `imperium.topology`. */
export class Topology {
  private readonly port: Port;
  private readonly core: TopologyCore;
  private own: OwnNode;
  /** The tabernae to announce, also those for which the own record has no room. */
  private wanted: OwnNode['tabernae'];
  /** Where they are to be read again. */
  private unread: (() => readonly TabernaToAnnounce[]) | undefined = undefined;
  private readonly releasePeer: (address: DomusAddr) => void;
  private life: 'new' | 'running' | 'left' | 'stopped' = 'new';
  private taberna: PortTaberna | undefined = undefined;
  private timer: ReturnType<Port['clock']['startTimer']> | undefined = undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private isBusy = false;
  private readonly later: (() => void)[] = [];
  private readonly feeds = new Set<TopologyChanges>();
  private readonly listeners = new Set<(event: TopologyEvent) => void>();
  private readonly aloneListeners = new Set<() => void>();
  private wasAlone = false;
  private readonly questions = new Set<Question>();
  private readonly released = new Map<string, number>();
  private leaving: Promise<void> | undefined = undefined;
  private shown: Shown | undefined = undefined;

  /** Throws `invalid-config` for a domus whose certificate has no CN, and for a setting out of its range. */
  constructor(options: TopologyOptions) {
    const { port, signer, verifier, wallNow = Date.now } = options;
    const { nodeId, nodeType, address } = port.self();
    if (nodeId === null || nodeId === '') throw outOfRange('node id', 'the CN of the certificate of the domus', nodeId);
    const blank: OwnNode = { nodeId, nodeType, address, health: 'unknown', services: [], tabernae: [], metadata: {} };
    this.port = port;
    this.own = changedNode(blank, options.node ?? {});
    this.wanted = this.own.tabernae;
    this.releasePeer = options.releasePeer ?? ((peer) => this.closeIfIdle(peer));
    this.core = new TopologyCore({
      own: this.own,
      settings: resolveTopologySettings(options.settings),
      world: { random: () => port.random(), wallNow, hash: sha256, verifier },
      signer,
      sink: this,
      now: port.clock.now(),
    });
  }

  /** Rises with each real change of what `nodes()` shows. */
  get version(): number {
    return this.core.membership.version;
  }

  /** Records that were refused since the start, by reason. */
  get refusals(): Readonly<RefusalCounts> {
    return { ...this.core.membership.refusals };
  }

  /** Addresses of the nodes with which news is exchanged. */
  get links(): readonly DomusAddr[] {
    return this.core.links.all().map((link) => link.address as DomusAddr);
  }

  /** No link could be had, although there are seeds or other nodes; it goes on trying. */
  get isAlone(): boolean {
    return this.core.isAlone;
  }

  /** All nodes that are thought to live, this one included, in the order of their ids. The same array while nothing changes. */
  nodes(): readonly TopologyNode[] {
    this.readTabernae();
    const { version, own, table } = this.core.membership;
    const { rootHi, rootLo } = table.digest;
    const { shown: last } = this;
    if (last !== undefined && last.version === version && last.own === own) {
      if (last.rootHi === rootHi && last.rootLo === rootLo) return last.nodes;
    }
    const others = table.live.filter((entry) => !this.core.membership.isOwn(entry));
    const nodes = [this.self(), ...others.map(shownNode)].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    this.shown = { version, own, rootHi, rootLo, nodes: Object.freeze(nodes) };
    return nodes;
  }

  /** A node that is thought to live. */
  node(nodeId: string): TopologyNode | undefined {
    this.readTabernae();
    if (nodeId === this.own.nodeId) return this.self();
    const entry = this.core.membership.table.get(nodeId);
    if (entry === undefined) return undefined;
    const state = stateOf(entry);
    return state === 'live' || state === 'suspect' ? shownNode(entry) : undefined;
  }

  /** Nodes that offer exactly this version of a service. */
  providers(name: string, version: string): readonly TopologyNode[] {
    const service = `${name}/${version}`;
    return this.nodes().filter(({ services }) => services.includes(service));
  }

  /** Nodes that offer a service in any version. */
  byService(name: string): readonly TopologyNode[] {
    return this.nodes().filter(({ services }) =>
      services.some((service) => service.slice(0, service.lastIndexOf('/')) === name),
    );
  }

  /** Changes from now on. Ends quietly with the signal, or with the topology. */
  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<TopologyChange> {
    const feed = new TopologyChanges(signalOf(options), (ended) => this.feeds.delete(ended));
    if (this.life === 'stopped') feed.close();
    else if (options.signal?.aborted !== true) this.feeds.add(feed);
    return feed;
  }

  /** For JSON, and for `console.log`: how many nodes are known, this one included, and the links. */
  toJSON(): { readonly nodes: number; readonly links: readonly DomusAddr[] } {
    return { nodes: this.nodes().length, links: this.links };
  }

  /** For what stands on the topology: tells each change in its turn; the result ends that. */
  onChange(listener: (event: TopologyEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @internal Likewise, whenever {@link isAlone} is another. */
  onAlone(listener: () => void): () => void {
    this.aloneListeners.add(listener);
    return () => this.aloneListeners.delete(listener);
  }

  /**
   * @internal Begins to take part. Returns at once; where no seed can be reached it goes on trying. A seed that is no address is
   * `invalid-config`; a second start, or one after the end, `invalid-state`.
   */
  start(options: { readonly seeds?: readonly string[] } = {}): void {
    if (this.life !== 'new') throw new DomusError('invalid-state', 'the topology has been started before');
    const seeds = (options.seeds ?? []).map((seed) => parseDestination(seed).text);
    this.taberna = this.registered();
    this.life = 'running';
    this.input((now) => this.core.start(seeds, now));
  }

  /** @internal More addresses to try where links are missing; they are added to the seeds. */
  addSeeds(seeds: readonly string[]): void {
    const addresses = seeds.map((seed) => parseDestination(seed).text);
    this.input((now) => this.core.addSeeds(addresses, now));
  }

  /** @internal Changes what the own node says of itself. Without effect where that is nothing new; `invalid-config` for misuse. */
  update(change: OwnNodeChange): void {
    if (this.hasEnded) throw closed();
    this.readTabernae();
    const own = { ...this.own, tabernae: this.wanted };
    if (change.tabernae === undefined) this.become(fittedNode(own, change));
    else {
      const changed = changedNode(own, change);
      this.wanted = changed.tabernae;
      this.become(changed);
    }
  }

  /**
   * @internal Announces what of these fits into the own record beside everything else, and the rest once there is room. Without effect
   * after the end. They are read when somebody looks at the own node or changes it, at the latest where {@link unannounced} is
   * asked for: thousands may open one after the other.
   */
  announceTabernae(tabernae: () => readonly TabernaToAnnounce[]): void {
    this.unread = tabernae;
  }

  /** Tabernae for which the own record has no room. */
  get unannounced(): number {
    this.readTabernae();
    return this.wanted.length - this.own.tabernae.length;
  }

  /** @internal */
  setServices(services: readonly string[]): void {
    this.update({ services });
  }

  /** @internal */
  setTabernae(tabernae: NonNullable<OwnNodeChange['tabernae']>): void {
    this.update({ tabernae });
  }

  /** @internal */
  setHealth(health: HealthState): void {
    this.update({ health });
  }

  /** @internal */
  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.update({ metadata });
  }

  /** @internal The certificate has been renewed: announces the own record with the new one. Without effect after the end. */
  renewSigner(signer: RecordSigner): void {
    if (this.hasEnded) return;
    this.input((now) => this.core.announce(this.own, now, signer));
  }

  /**
   * Makes the tables of this node and a peer the same; true once they are, false for a domus without a topology. A peer that
   * does not answer in time is `send-timeout`.
   */
  sync(peer: string, options: AskOptions = {}): Promise<boolean> {
    return this.ask(peer, options, (to, deadline, answer, fail) => {
      this.core.sync(to, this.port.clock.now(), deadline, (end) => {
        if (end.kind === 'equal') answer(true);
        else if (end.failure === 'outside') answer(false);
        else fail(unanswered(to, end.failure));
      });
    });
  }

  /** Milliseconds until a peer has accepted a message, a Rust peer too. One that does not is `send-timeout` or what A1 says. */
  ping(peer: string, options: AskOptions = {}): Promise<number> {
    return this.ask(peer, options, (to, deadline, answer, fail) => {
      const began = performance.now();
      const answered = (): void => answer(performance.now() - began);
      this.post(to, MESSAGE.probe, NOTHING, deadline, {
        accepted: answered,
        failed: (failure) => (isAnswer(failure) ? answered() : fail(errorOf(failure, to))),
      });
    });
  }

  /** A peer's own record, asked from itself and verified; undefined for a domus without a topology. */
  nodeInfo(peer: string, options: AskOptions = {}): Promise<NodeRecord | undefined> {
    return this.ask(peer, options, (to, deadline, answer, fail) => {
      this.core.ask(to, deadline, (record, failure) => {
        if (record !== undefined) answer(record.record);
        else if (failure === 'outside') answer(undefined);
        else fail(unanswered(to, failure));
      });
    });
  }

  /** How a peer says that it is, asked from itself; `unknown` for a domus without a topology. */
  async health(peer: string, options: AskOptions = {}): Promise<HealthState> {
    return (await this.nodeInfo(peer, options))?.health ?? 'unknown';
  }

  /** @internal Announces that this node leaves, then stops. Others drop it without waiting. Idempotent. */
  leave(): Promise<void> {
    if (this.life === 'new' || this.life === 'stopped') this.stop();
    else {
      this.leaving ??= new Promise<void>((resolve) => {
        this.life = 'left';
        this.input((now) => this.core.leave(now, () => this.input(() => resolve())));
      }).then(() => this.stop());
    }
    return this.leaving ?? Promise.resolve();
  }

  /** @internal Ends at once, without a word to others. Questions under way fail with `domus-closed`. Idempotent. */
  stop(): void {
    if (this.life === 'stopped') return;
    this.life = 'stopped';
    this.core.stop();
    this.disarm();
    this.taberna?.close();
    for (const question of [...this.questions]) question.fail(closed());
    for (const feed of [...this.feeds]) feed.close();
    this.listeners.clear();
    this.aloneListeners.clear();
    this.released.clear();
  }

  /** @internal For the machine. */
  send(to: string, type: MessageType, payload: Uint8Array, deadline: number, token: number): void {
    this.released.delete(to);
    this.post(to as DomusAddr, type, payload, deadline, {
      accepted: () => this.input((now) => this.core.delivered(token, now)),
      failed: (failure) => {
        this.input((now) => this.core.failed(token, failureOf(failure), now, rejectionOf(failure)));
      },
    });
  }

  /** @internal For the machine. */
  event(event: TopologyEvent): void {
    this.later.push(() => {
      for (const feed of this.feeds) feed.push(event);
      for (const listener of this.listeners) listener(event);
    });
  }

  /** @internal For the machine. */
  release(address: string): void {
    this.released.set(address, this.port.clock.now() + RELEASE_AFTER_MS);
  }

  private post(to: DomusAddr, type: number, payload: Uint8Array, deadline: number, waiter: SendWaiter): void {
    this.port.send({ to, tier: 'a2', taberna: TOPOLOGY_TABERNA, type, payload, deadline, wait: false }, waiter);
  }

  private receive(request: PortRequest): void {
    this.input((now) => {
      const rejection = this.core.received(request.from, request.type, request.payload, now);
      if (rejection === undefined) request.accept();
      else request.reject(rejection);
    });
  }

  /** Gives the machine an input, now or as soon as it is free, and sees to the timer. */
  private input(run: (now: number) => void): void {
    if (this.life === 'stopped') return;
    if (this.isBusy) {
      this.later.push(() => this.input(run));
      return;
    }
    this.isBusy = true;
    try {
      run(this.port.clock.now());
    } finally {
      this.isBusy = false;
    }
    for (let next = this.later.shift(); next !== undefined; next = this.later.shift()) next();
    this.tellAlone();
    this.arm();
  }

  private tellAlone(): void {
    if (this.wasAlone === this.core.isAlone) return;
    this.wasAlone = this.core.isAlone;
    for (const listener of this.aloneListeners) listener();
  }

  private arm(): void {
    if (this.isStopped()) return;
    let next = this.core.nextDeadline();
    for (const at of this.released.values()) next = Math.min(next, at);
    if (next === this.timerAt) return;
    this.disarm();
    if (next === Number.POSITIVE_INFINITY) return;
    this.timerAt = next;
    this.timer = this.port.clock.startTimer(Math.max(0, next - this.port.clock.now()), () => this.ring());
  }

  private disarm(): void {
    if (this.timer !== undefined) this.port.clock.stopTimer(this.timer);
    this.timer = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  private ring(): void {
    this.timer = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
    this.input((now) => {
      this.core.tick(now);
      for (const [address, at] of this.released) {
        if (now < at) continue;
        this.released.delete(address);
        if (!this.core.links.has(address)) this.releasePeer(address as DomusAddr);
      }
    });
  }

  private closeIfIdle(address: DomusAddr): void {
    if (this.port.isIdle(address)) this.port.closePeer(address);
  }

  /** Rejects, and never throws, for a peer or an option that cannot be: timers ask too. */
  private async ask<Answer>(
    peer: string,
    options: AskOptions,
    begin: (
      to: DomusAddr,
      deadline: number,
      answer: (value: Answer) => void,
      fail: (error: DomusError) => void,
    ) => void,
  ): Promise<Answer> {
    const { signal, timeout = DEFAULT_TIMEOUT_MS } = optionsOf('a question to a peer', options, ASK_OPTIONS);
    requireSignal(signal);
    const to = this.addressOf(peer);
    if (this.life === 'new') throw new DomusError('invalid-state', 'the topology has not been started');
    if (this.life === 'stopped') throw closed();
    if (!Number.isFinite(timeout) || timeout < 1 || timeout > 600_000) {
      throw outOfRange('timeout', '1 to 600000 milliseconds', timeout);
    }
    if (to === this.port.address) throw outOfRange('peer', 'another node than this one', to);
    return waitFor(this.questions, signal, (answer, fail) => {
      this.input((now) => begin(to, now + timeout, answer, fail));
    });
  }

  /** A peer by its address or node id; `peer-unavailable` for a node that is not known. */
  private addressOf(peer: string): DomusAddr {
    if (typeof peer !== 'string') throw outOfRange('peer', 'an address or a node id', peer);
    if (peer.startsWith('tcp://') || peer.startsWith('unix://')) return parseDestination(peer).text;
    const node = this.node(peer);
    if (node !== undefined) return node.address;
    throw new DomusError('peer-unavailable', `no node ${JSON.stringify(peer)} is known`, { detail: 'unknown-node' });
  }

  private registered(): PortTaberna {
    try {
      return this.port.register(TOPOLOGY_TABERNA, (request) => this.receive(request));
    } catch (cause) {
      if (!DomusError.is(cause) || cause.kind !== 'taberna-already-registered') throw cause;
      throw new DomusError(cause.kind, 'this domus (node) has joined its imperium (fabric) already', { cause });
    }
  }

  private self(): TopologyNode {
    return Object.freeze({ ...this.core.membership.own.record, isSuspect: false, isSelf: true });
  }

  private isStopped(): boolean {
    return this.life === 'stopped';
  }

  private get hasEnded(): boolean {
    return this.life === 'left' || this.life === 'stopped';
  }

  private readTabernae(): void {
    const { unread } = this;
    if (unread === undefined) return;
    this.unread = undefined;
    if (this.hasEnded) return;
    this.wanted = checkTabernae(unread());
    this.become(fittedNode({ ...this.own, tabernae: this.wanted }, {}));
  }

  private become(own: OwnNode): void {
    if (isSame(this.own, own)) return;
    this.own = own;
    this.input((now) => this.core.announce(own, now));
  }
}

inspectAsJson({ name: 'Topology', prototype: Topology.prototype });

function shownNode(entry: Entry): TopologyNode {
  return Object.freeze({ ...entry.signed.record, isSuspect: stateOf(entry) === 'suspect', isSelf: false });
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Order matters neither in lists nor in metadata. */
function isSame(a: OwnNode, b: OwnNode): boolean {
  const content = ({ services, tabernae, health, metadata }: OwnNode): string =>
    JSON.stringify([
      [...services].sort(),
      tabernae.map(({ id, name }) => `${id} ${name ?? '\0'}`).sort(),
      health,
      Object.entries(metadata).sort(([left], [right]) => (left < right ? -1 : 1)),
    ]);
  return content(a) === content(b);
}

/** Whether a failure is the word of a peer that is there. */
function isAnswer(failure: SendFailure): boolean {
  const kind = failureOf(failure);
  return kind === 'outside' || kind === 'rejected';
}

function errorOf({ kind, text, delivery, cause }: SendFailure, peer: string): DomusError {
  return new DomusError(kind, text, { peer, delivery, ...(cause === undefined ? {} : { cause }) });
}

function unanswered(peer: string, failure: Failure | undefined): DomusError {
  if (failure === 'rejected') {
    return new DomusError('remote-taberna-rejected', `${peer} refused`, { peer, delivery: 'refused' });
  }
  return new DomusError('send-timeout', `${peer} has not answered`, { peer, delivery: 'unknown' });
}

function closed(): DomusError {
  return new DomusError('domus-closed', 'the topology has ended');
}
