/**
 * A node in its imperium (fabric): offers services, calls those of others by name, knows who is there and how they are
 * (a2-services). Joins the parts of this layer; decides nothing that they decide.
 *
 * Long on purpose: all that an application may ask of an imperium stands in one class.
 *
 * 1. Two of them share nothing but the domus (node) below, of which each has its own.
 * 2. After `leave` nothing is left: no timer, no taberna (inbox), no waiting promise. The end of the domus below ends it too.
 */
import { type DomusAddr, DomusError, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { ClientProviders, ServiceTable } from './client-providers.ts';
import { combineDiscoveries } from './discovery/combine-discoveries.ts';
import type { DiscoveredPeer, Discovery } from './discovery/discovery.ts';
import type { Health } from './health/health.ts';
import { HealthBoard } from './health/health-board.ts';
import {
  type ClientOptions,
  checkJoining,
  LEAVE_OPTIONS,
  type LeaveOptions,
  type LeaveReport,
  READY_OPTIONS,
  type ReadyOptions,
  resolveClientOptions,
} from './imperium-options.ts';
import { inspectAsJson } from './inspect-as-json.ts';
import type { JoinOptions } from './join-options.ts';
import { OnceATurn } from './once-a-turn.ts';
import type { Port } from './port.ts';
import type { CallOptions, Client, Handlers } from './procedures/call-types.ts';
import { Calls } from './procedures/calls.ts';
import { clientOf, errorOfCall } from './procedures/client.ts';
import { checkedTimeout, DEFAULT_CALL_SETTINGS } from './procedures/client-options.ts';
import { offer } from './procedures/offer.ts';
import { ProcedureError } from './procedures/procedure-error.ts';
import type { ProvideOptions } from './procedures/provide-options.ts';
import type { ProvidedService, ProvisionEvent } from './procedures/provided-service.ts';
import type { ProviderSource } from './procedures/provider-source.ts';
import {
  type Procedure,
  type ProcedureDefinition,
  requireServiceHead,
  type ServiceHead,
} from './procedures/service.ts';
import { UnaryCall } from './procedures/unary-call.ts';
import { providerSettings } from './providers/core/provider-settings.ts';
import type { Provider } from './providers/provider.ts';
import { requireSignal } from './require-signal.ts';
import { watchedSignals } from './signal-watch.ts';
import type { RecordSigner, RecordVerifier, TopologyEvent } from './topology/core/topology-sink.ts';
import type { TabernaToAnnounce } from './topology/own-node.ts';
import { Topology } from './topology/topology.ts';
import { TopologyDiscovery } from './topology/topology-discovery.ts';
import { TopologyResolver } from './topology/topology-resolver.ts';

const DEFAULT_DRAIN_MS = 20_000;
const DEFAULT_READY_MS = 10_000;
const MAX_DRAIN_MS = 600_000;
/** How long the goodbye may take at least: without it others need their detector. */
const FAREWELL_MS = 1_000;
/** How long a provider that was ejected may take to show that it is there. */
const PROBE_TIMEOUT_MS = 2_000;
/** How long until a session that nobody needs, but that was not idle, is looked at again. */
const RELEASE_AGAIN_MS = 1_000;

/** What an imperium needs of the domus that it stands on. */
export interface ImperiumHost {
  readonly port: Port;
  readonly signer: RecordSigner;
  readonly verifier: RecordVerifier;
  /** Tells of a renewed certificate; the result ends that. */
  onSigner(listener: (signer: RecordSigner) => void): () => void;
  /** The tabernae that applications have opened. */
  tabernae(): readonly TabernaToAnnounce[];
  onTabernae(listener: () => void): () => void;
  /** Asks this resolver last, from now on; the result ends that. */
  useResolver(resolver: TopologyResolver): () => void;
  /** Tells that the domus was shut down; the result ends that. */
  onEnd(listener: () => void): () => void;
}

/** A service that this node provides. */
export interface Provision extends AsyncDisposable {
  /** What is provided. */
  readonly service: ServiceHead;
  /** Withdraws the service, lets calls under way end for `drainTimeout` (20 s), then fails the rest with `unavailable`. Idempotent. */
  close(options?: LeaveOptions): Promise<LeaveReport>;
}

export class Imperium implements AsyncDisposable {
  /** How this node is, and what checks it. */
  readonly health: Health;
  /** Who is in the imperium. */
  readonly topology: Topology;
  private readonly port: Port;
  private readonly board: HealthBoard;
  private readonly calls: Calls;
  private readonly discovery: Discovery;
  /** Where seeds come from, unless they are a list. */
  private seeds: Discovery | undefined = undefined;
  /** Its record has no room for all of its tabernae. */
  private isCrowded = false;
  private metadata: Readonly<Record<string, string>>;
  private readonly provided = new Map<string, ProvidedService>();
  /** Services that were withdrawn while calls were under way in them. */
  private readonly withdrawn = new Set<ProvidedService>();
  private readonly tables = new Map<string, ServiceTable>();
  private readonly stopping = new AbortController();
  private readonly undo: (() => void)[] = [];
  private leaving: Promise<LeaveReport> | undefined = undefined;
  private isRefreshing = false;
  /** Changes are told one by one, each in a promise job of its own, and thousands may come in a turn. */
  private readonly refreshing = new OnceATurn(() => this.refresh());
  private readonly releasing = new OnceATurn(() => this.releaseSessions());
  private adding: OnceATurn | undefined = undefined;
  private readonly announcing = new OnceATurn(() => this.noteUnannounced());
  /** Peers whose sessions nobody needs, though something was still under way in them. */
  private readonly toRelease = new Set<DomusAddr>();
  private releaseTimer: ReturnType<Port['clock']['startTimer']> | undefined = undefined;

  /** Applications call `Imperium.open` or `Imperium.join`. */
  protected constructor(host: ImperiumHost, options: JoinOptions) {
    const { port, signer, verifier } = host;
    checkJoining(options);
    this.port = port;
    this.metadata = Object.freeze({ ...options.metadata });
    this.topology = new Topology({
      port,
      signer,
      verifier,
      settings: options.topology === undefined ? {} : options.topology,
      node: { metadata: this.metadata },
      releasePeer: (peer) => this.releaseSession(peer),
    });
    const others = options.discovery === undefined ? [] : [options.discovery].flat();
    this.discovery = combineDiscoveries(new TopologyDiscovery(this.topology), ...(others as readonly Discovery[]));
    // Behind what throws for options: from here on something is to be given back.
    this.calls = new Calls(port);
    this.board = new HealthBoard({ clock: port.clock, wallClock: Date.now });
    this.health = this.board;
    this.undo.push(
      host.onSigner((renewed) => this.topology.renewSigner(renewed)),
      host.onTabernae(() => this.tabernaeChanged(host)),
      host.useResolver(new TopologyResolver(this.topology)),
      host.onEnd(() => void this.leave({ drainTimeout: 0 })),
      this.board.onChange((change) => {
        if (change.kind === 'node') this.announce();
      }),
      this.topology.onChange((event) => this.noteClash(event)),
      port.onPeer((event) => {
        if (event.kind === 'up') for (const table of this.tables.values()) table.seen(event.address);
      }),
    );
    this.topology.announceTabernae(() => host.tabernae());
    this.noteUnannounced();
  }

  /** Begins to take part; resolves though no seed may be reachable yet. Rejects where the domus has ended meanwhile. */
  protected async begin({ seeds = [], health = {} }: JoinOptions): Promise<void> {
    for (const [name, check] of Object.entries(health)) this.board.add(name, check);
    const isDiscovery = !Array.isArray(seeds);
    this.topology.start({ seeds: isDiscovery ? [] : (seeds as readonly DomusAddr[]) });
    const host = {
      address: this.port.address,
      announcement: () => this.announcement(),
      clock: this.port.clock,
      random: () => this.port.random(),
    };
    await this.discovery.start(host);
    this.mustBeOpen();
    void this.follow(this.discovery, this.discovery.serviceType, () => this.refreshing.plan());
    if (isDiscovery) await this.seedFrom(seeds as Discovery, host);
    this.refresh();
  }

  /** The canonical address of this node. */
  get address(): DomusAddr {
    return this.port.address;
  }

  /**
   * Offers a service: its calls reach the handlers from now on. Rejects with `taberna-already-registered` where this node
   * provides it already, and with `invalid-config` for a missing handler or verifier.
   */
  async provide<S extends ServiceHead>(service: S, handlers: Handlers<S>, options: ProvideOptions): Promise<Provision> {
    this.mustBeOpen();
    requireServiceHead(service);
    this.mustBeFree(service);
    const provided = offer(service, handlers, options, this.calls, (event) => this.report(event));
    this.provided.set(service.taberna.name, provided);
    this.announce();
    let closing: Promise<LeaveReport> | undefined;
    const close = async (leave: LeaveOptions = {}): Promise<LeaveReport> => {
      checkLeaving(leave);
      closing ??= this.withdraw(provided, leave);
      return closing;
    };
    return { service, close, [Symbol.asyncDispose]: async () => void (await close()) };
  }

  /**
   * Replaces what this node says of itself beside its services, for pickers and whoever lists nodes; announced everywhere at once.
   * Throws `invalid-config` for what does not fit into a record; tabernae (inboxes) give way to it there, which is reported.
   */
  setMetadata(metadata: Readonly<Record<string, string>>): void {
    this.mustBeOpen();
    // The topology takes it for what is left as it is.
    if (metadata === undefined) throw outOfRange('metadata', 'an object of texts', metadata);
    this.topology.setMetadata(metadata);
    this.metadata = Object.freeze({ ...metadata });
    this.announce();
  }

  /** A client of a service. Dials nobody before the first call. Throws `invalid-config` for an option out of range. */
  client<S extends ServiceHead>(service: S, options?: ClientOptions): Client<S> {
    const settings = resolveClientOptions(options);
    const providers = new ClientProviders(this.table(service), settings, this.port);
    return clientOf(
      service,
      { calls: this.calls, providers, settings: settings.call },
      // Handlers whose calls may end shall be able to end them.
      (isPart) => (this.leaving === undefined || (isPart && !this.calls.isClosed)) && this.port.isOpen,
    );
  }

  /**
   * Resolves once so many providers of a service are known and well; rejects with `no-providers`, naming wanted and found, after
   * `timeout` milliseconds (10,000).
   */
  ready(service: ServiceHead, options: ReadyOptions = {}): Promise<void> {
    try {
      const { minProviders = 1, timeout = DEFAULT_READY_MS, signal } = optionsOf('ready', options, READY_OPTIONS);
      requireSignal(signal);
      this.mustBeOpen();
      return this.table(service).wait(minProviders, checkedTimeout('timeout', timeout), signal);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Calls every provider that is known, in whatever health; the outcomes by node id, or by address where that is not known or
   * another provider has it too. Rejects with `invalid-config` for a procedure of streams.
   */
  async broadcast<In, Out>(
    procedure: Procedure<ProcedureDefinition<'unary' | 'one-way', In, unknown, unknown, Out>>,
    input: NoInfer<In>,
    options?: CallOptions,
  ): Promise<Map<string, PromiseSettledResult<Out>>> {
    this.mustBeOpen();
    requireOneInOneOut(procedure);
    const { table } = this.table(procedure.service);
    const providers = table.known();
    const outcomes = await Promise.allSettled(
      providers.map((provider) => this.callOne(procedure as unknown as Procedure, provider, input, options)),
    );
    return new Map(keysOf(providers).map((key, index) => [key, outcomes[index] as PromiseSettledResult<Out>]));
  }

  /**
   * Leaves: takes no new calls, says so to the others, lets calls under way end for `drainTimeout` milliseconds, then cuts the
   * rest. Streams of outputs end with `unavailable` at once. The goodbye may take a second beyond. Idempotent; the domus stays
   * open where it was joined with.
   */
  leave(options: LeaveOptions = {}): Promise<LeaveReport> {
    try {
      checkLeaving(options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    this.leaving ??= this.goAway(options);
    return this.leaving;
  }

  /** As {@link leave} with its defaults. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  /** For JSON, and for `console.log`: the address. Everything else is machinery. */
  toJSON(): { readonly address: DomusAddr } {
    return { address: this.address };
  }

  // --- small steps -----------------------------------------------------------------------------------------------

  private async goAway(options: LeaveOptions): Promise<LeaveReport> {
    const { drainTimeout = DEFAULT_DRAIN_MS, signal } = options;
    const until = this.port.clock.now() + drainTimeout;
    this.board.drain();
    const services = this.services();
    const underWay = services.reduce((sum, provided) => sum + provided.underWay, 0);
    await this.within(Promise.all(services.map((provided) => provided.drain())), drainTimeout, signal);
    const cut = services.reduce((sum, provided) => sum + provided.close(), 0);
    this.provided.clear();
    // A link whose peer is gone shall not hold it up.
    await this.within(this.topology.leave(), Math.max(FAREWELL_MS, until - this.port.clock.now()), signal);
    this.topology.stop();
    this.stopping.abort();
    // What a source does to stop is its own, and may take for ever.
    await this.within(Promise.all([this.discovery.stop(), this.seeds?.stop()]), FAREWELL_MS);
    this.calls.close(new ProcedureError('unavailable', 'the imperium (fabric) was left here'));
    for (const table of this.tables.values()) table.close();
    for (const undo of this.undo) undo();
    for (const each of [this.refreshing, this.adding, this.announcing, this.releasing]) each?.cancel();
    if (this.releaseTimer !== undefined) this.port.clock.stopTimer(this.releaseTimer);
    this.board.close();
    return Object.freeze({ finished: underWay - cut, cut });
  }

  private async withdraw(provided: ProvidedService, options: LeaveOptions): Promise<LeaveReport> {
    const { drainTimeout = DEFAULT_DRAIN_MS, signal } = options;
    this.provided.delete(provided.service.taberna.name);
    this.withdrawn.add(provided);
    this.announce();
    const { underWay } = provided;
    const { signal: left } = this.stopping;
    await this.within(provided.drain(), drainTimeout, signal, left);
    const cut = provided.close();
    this.withdrawn.delete(provided);
    return Object.freeze({ finished: underWay - cut, cut });
  }

  /** Waits for something, for so long at most. */
  private async within(
    done: Promise<unknown>,
    limitMs: number,
    ...signals: readonly (AbortSignal | undefined)[]
  ): Promise<void> {
    const { clock } = this.port;
    let timer: ReturnType<Port['clock']['startTimer']> | undefined;
    let cut = (): void => {};
    const abortable = { aborted: () => cut() };
    const over = new Promise<void>((resolve) => {
      cut = resolve;
      timer = clock.startTimer(limitMs, resolve);
    });
    for (const signal of signals) {
      if (signal?.aborted === true) cut();
      else if (signal !== undefined) watchedSignals.add(signal, abortable);
    }
    await Promise.race([done, over]);
    for (const signal of signals) if (signal !== undefined) watchedSignals.delete(signal, abortable);
    if (timer !== undefined) clock.stopTimer(timer);
  }

  private callOne(procedure: Procedure, provider: Provider, input: unknown, options?: CallOptions): Promise<unknown> {
    const { table } = this.table(procedure.service);
    const providers: ProviderSource = {
      pick: ({ exclude }) => (exclude?.has(provider.address) === true ? undefined : provider),
      wait: () => Promise.reject(new ProcedureError('no-providers', 'the provider was tried')),
      begin: () => table.begin(provider, this.port.now()),
      called: () => {},
      hasOffer: () => true,
      mayRetry: () => false,
    };
    const parts = { calls: this.calls, providers, settings: DEFAULT_CALL_SETTINGS };
    return new Promise((resolve, reject) => {
      try {
        new UnaryCall(procedure, input, options, parts, resolve, reject).start();
      } catch (error) {
        reject(errorOfCall(error));
      }
    });
  }

  private table(service: ServiceHead): ServiceTable {
    requireServiceHead(service);
    const { name } = service.taberna;
    let table = this.tables.get(name);
    if (table === undefined) {
      table = new ServiceTable(
        name,
        providerSettings(),
        this.port,
        (address) => this.releaseSession(address),
        (address) => this.topology.ping(address, { timeout: PROBE_TIMEOUT_MS }),
      );
      this.tables.set(name, table);
      table.update(this.peers());
    }
    return table;
  }

  /** Everybody who is known, this node included: it calls itself without a connection. */
  private peers(): readonly DiscoveredPeer[] {
    return [...this.discovery.peers(), this.announcement()];
  }

  private announcement(): DiscoveredPeer {
    const { nodeId, nodeType } = this.port.self();
    return {
      address: this.port.address,
      nodeId: nodeId ?? undefined,
      nodeType: nodeType ?? undefined,
      services: [...this.provided.keys()].sort(),
      health: this.board.state,
      metadata: this.metadata,
    };
  }

  private announce(): void {
    if (this.stopping.signal.aborted) return;
    this.discovery.announce();
    this.noteUnannounced();
    this.refresh();
  }

  private async follow(discovery: Discovery, source: string, changed: () => void): Promise<void> {
    for await (const change of discovery.changes({ signal: this.stopping.signal })) {
      if (change.kind === 'degraded') this.port.report({ kind: 'discovery-degraded', source, reason: change.reason });
      else if (change.kind === 'restored') this.port.report({ kind: 'discovery-restored', source });
      else changed();
    }
  }

  /**
   * Once for all that open or close in a turn, since each announcement looks at all of them. A record has bounds; a domus may have
   * any number of tabernae.
   */
  private tabernaeChanged(host: ImperiumHost): void {
    this.topology.announceTabernae(() => host.tabernae());
    this.announcing.plan();
  }

  /** Said once, and once more when all are announced again. */
  private noteUnannounced(): void {
    const { unannounced } = this.topology;
    if (unannounced > 0 === this.isCrowded) return;
    this.isCrowded = unannounced > 0;
    const source = 'topology';
    const reason = `${unannounced} tabernae (inboxes) find no room in the record of this node`;
    if (this.isCrowded) this.port.report({ kind: 'discovery-degraded', source, reason });
    else this.port.report({ kind: 'discovery-restored', source });
  }

  private services(): readonly ProvidedService[] {
    return [...this.provided.values(), ...this.withdrawn];
  }

  /** Tells every table who is there, once for all changes of the job that runs. */
  private refresh(): void {
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    queueMicrotask(() => {
      this.isRefreshing = false;
      const peers = this.peers();
      for (const table of this.tables.values()) table.update(peers);
    });
  }

  private async seedFrom(
    seeds: Discovery,
    host: { readonly address: DomusAddr; announcement(): DiscoveredPeer },
  ): Promise<void> {
    // A source of an application may fail in any way.
    const contained = combineDiscoveries(seeds);
    this.seeds = contained;
    await contained.start(host);
    this.mustBeOpen();
    const add = (): void => this.topology.addSeeds(contained.peers().map(({ address }) => address));
    add();
    this.adding = new OnceATurn(add);
    void this.follow(contained, seeds.serviceType, () => this.adding?.plan());
  }

  /** Nobody here needs the session with a peer any more; others may. */
  private releaseSession(address: DomusAddr): void {
    this.toRelease.add(address);
    this.releasing.plan();
  }

  /** Thousands may have left at once: what others need is found out for all of them together. */
  private releaseSessions(): void {
    if (this.stopping.signal.aborted) return;
    const known = new Set(this.discovery.peers().map(({ address }) => address));
    const called = this.calls.peers();
    const left = [...this.toRelease].filter((address) => !known.has(address));
    this.toRelease.clear();
    for (const address of left) {
      const isServed = this.services().some((provided) => provided.serves(address));
      // Whatever is under way may be no more than the ack of the last answer.
      if (isServed || called.has(address) || !this.port.isIdle(address)) this.toRelease.add(address);
      else this.port.closePeer(address);
    }
    if (this.toRelease.size === 0) return;
    this.releaseTimer ??= this.port.clock.startTimer(RELEASE_AGAIN_MS, () => {
      this.releaseTimer = undefined;
      this.releaseSessions();
    });
  }

  private report(event: ProvisionEvent): void {
    const { caller, procedure } = event;
    const peer = caller.address;
    if (event.kind === 'handler-failed')
      this.port.report({ kind: 'procedure-failed', peer, procedure, error: event.error });
    else this.port.report({ kind: 'call-refused', peer, nodeId: caller.nodeId, procedure, reason: event.reason });
  }

  private noteClash(event: TopologyEvent): void {
    if (event.kind !== 'clash') return;
    const { nodeId, address } = event.node;
    this.port.report({ kind: 'node-id-clash', nodeId, peer: address, other: event.other.address });
  }

  /** A service that was withdrawn keeps its name until the calls under way in it have ended. */
  private mustBeFree({ taberna: { name } }: ServiceHead): void {
    const isTaken = this.services().some(({ service }) => service.taberna.name === name);
    if (isTaken)
      throw new DomusError('taberna-already-registered', `${name} is provided here already`, { endpoint: name });
  }

  private mustBeOpen(): void {
    if (this.leaving !== undefined) throw new DomusError('domus-closed', 'the imperium (fabric) was left here');
  }
}

inspectAsJson({ name: 'Imperium', prototype: Imperium.prototype });

function checkLeaving(options: LeaveOptions): void {
  const { drainTimeout = 0, signal } = optionsOf('leaving', options, LEAVE_OPTIONS);
  requireSignal(signal);
  if (typeof drainTimeout === 'number' && drainTimeout >= 0 && drainTimeout <= MAX_DRAIN_MS) return;
  throw outOfRange('drainTimeout', `0 to ${MAX_DRAIN_MS} ms`, drainTimeout);
}

/** What only a program without a type check can get wrong: a stream would have no answer. */
function requireOneInOneOut(procedure: Pick<Procedure, 'definition'> | undefined): void {
  const kind = procedure?.definition?.kind;
  if (kind === 'unary' || kind === 'one-way') return;
  throw outOfRange('procedure', 'a unary or one-way procedure of a service', kind ?? procedure);
}

/** What tells the providers of a broadcast apart: two addresses may have one node id, and both are called. */
function keysOf(providers: readonly Provider[]): string[] {
  const counts = new Map<string | undefined, number>();
  for (const { nodeId } of providers) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  return providers.map(({ nodeId, address }) => (nodeId !== undefined && counts.get(nodeId) === 1 ? nodeId : address));
}
