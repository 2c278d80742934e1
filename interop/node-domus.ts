/** A Node domus of an interoperation test: what it is opened with, its events and, where asked for, a relay in front. */
import type { Domus, DomusConfig, DomusEvent, ShutdownOptions } from '@flaminia/domus';
import { openDomusWith } from '@flaminia/domus/internal';
import { assertEnded } from '@flaminia/testkit/internal';
import { type DomusAddr, type Pkcs8AuthConfig, parseAddress } from '@flaminia/transport-a0';
import type { CutProxy } from './cut-proxy.ts';
import { EventBacklog } from './event-backlog.ts';
import { openProxy } from './rust-domus.ts';

export interface NodeDomusOptions {
  readonly config?: Partial<DomusConfig>;
  /** Puts a relay between this domus and whoever dials it. */
  readonly proxied?: boolean;
  /** Off, Rust peers wait for our delayed TCP acks as they do among themselves. Default on. */
  readonly nudge?: boolean;
}

interface Plan extends NodeDomusOptions {
  readonly address: DomusAddr;
  /** Where it binds: elsewhere than `address` behind a TCP relay. */
  readonly bind: DomusAddr;
  readonly auth: Pkcs8AuthConfig;
}

export class NodeDomus {
  readonly address: DomusAddr;
  readonly #plan: Plan;
  #domus: Domus | undefined;
  #proxy: CutProxy | undefined;
  #events: EventBacklog<DomusEvent> | undefined;

  constructor(plan: Plan) {
    this.address = plan.address;
    this.#plan = plan;
  }

  get domus(): Domus {
    if (this.#domus === undefined) throw new Error('the Node domus is not open');
    return this.#domus;
  }

  get proxy(): CutProxy {
    if (this.#proxy === undefined) throw new Error('the Node domus is not open behind a relay');
    return this.#proxy;
  }

  /** Opens the domus; once more after `stop`, at the same address. */
  async start(): Promise<void> {
    const { address, bind, auth, config = {}, nudge = true, proxied } = this.#plan;
    const parsed = parseAddress(bind);
    const listen = parsed.kind === 'tcp' && bind !== address ? { listen: `${parsed.ip}:${parsed.port}` } : {};
    this.#domus = await openDomusWith({ address, auth, config, ...listen }, { nudge });
    this.#events = new EventBacklog<DomusEvent>('the Node domus', (event) => event.kind);
    void collect(this.#domus, this.#events);
    if (proxied === true) this.#proxy = await openProxy(address, bind);
  }

  /** Takes the first event of a kind, out of those that came and were not taken yet, or the next to come. */
  next<K extends DomusEvent['kind']>(kind: K): Promise<Extract<DomusEvent, { kind: K }>> {
    type Wanted = Extract<DomusEvent, { kind: K }>;
    if (this.#events === undefined) throw new Error('the Node domus was never open');
    return this.#events.next(kind, (event): event is Wanted => event.kind === kind);
  }

  /** Takes the events that came and were not taken yet. */
  drain(): readonly DomusEvent[] {
    return this.#events?.drain() ?? [];
  }

  /** Shuts the domus and its relay down; nothing of the domus may be left. Idempotent. */
  async stop(options: ShutdownOptions = {}): Promise<void> {
    const [domus, proxy] = [this.#domus, this.#proxy];
    this.#domus = undefined;
    this.#proxy = undefined;
    await domus?.shutdown(options);
    await proxy?.close();
    if (domus !== undefined) assertEnded(domus);
  }

  /** Ends at once and without a word to its peers, as near to a crash as a domus in the process of the test can get. */
  crash(): Promise<void> {
    return this.stop({ signal: AbortSignal.abort() });
  }
}

async function collect(domus: Domus, backlog: EventBacklog<DomusEvent>): Promise<void> {
  for await (const event of domus.reporting.events()) backlog.add(event);
  backlog.end(new Error('the Node domus was shut down'));
}
