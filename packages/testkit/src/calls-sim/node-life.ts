/** One life of a node: its calls, its service, its table of providers, put together as an imperium does it. */
import type { DiscoveredPeer } from '@flaminia/services-a2';
import { ProcedureError } from '@flaminia/services-a2';
import {
  Calls,
  ClientProviders,
  clientOf,
  ProvidedService,
  providerSettings,
  resolveClientOptions,
  ServiceTable,
} from '@flaminia/services-a2/testing';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Random } from '../sim/random.ts';
import { Caller } from './caller.ts';
import { isForbidden, type Ledger } from './ledger.ts';
import type { VirtualPort } from './virtual-port.ts';
import { handlersOf } from './work-handlers.ts';
import { Work } from './work-service.ts';

export interface LifeOptions {
  readonly port: VirtualPort;
  readonly ledger: Ledger;
  readonly chance: Random;
  /** Asks a node whether it is there. */
  readonly probe: (from: VirtualPort, address: DomusAddr) => Promise<void>;
}

export class NodeLife {
  readonly port: VirtualPort;
  readonly calls: Calls;
  readonly caller: Caller;
  readonly table: ServiceTable;
  provided: ProvidedService | undefined = undefined;
  isLeaving = false;
  private readonly withdrawn = new Set<ProvidedService>();
  private readonly ledger: Ledger;
  private readonly chance: Random;
  private readonly stopWatching: () => void;

  constructor({ port, ledger, chance, probe }: LifeOptions) {
    const { weather } = ledger;
    this.port = port;
    this.ledger = ledger;
    this.chance = chance;
    this.calls = new Calls(port);
    this.table = new ServiceTable(
      Work.taberna.name,
      providerSettings({ ejectAfter: weather.ejectAfter }),
      port,
      (address) => this.release(address),
      (address) => probe(port, address),
    );
    this.stopWatching = port.onPeer((event) => {
      if (event.kind === 'up') this.table.seen(event.address);
    });
    const settings = resolveClientOptions({
      minProviders: weather.minProviders,
      maxPending: weather.maxPending,
      windowBytes: weather.callWindowBytes,
      ...(weather.hedgeAfterMs === undefined ? {} : { hedgeAfter: weather.hedgeAfterMs }),
    });
    const providers = new ClientProviders(this.table, settings, port);
    const isOpen = (isPart: boolean): boolean => (!this.isLeaving || (isPart && !this.calls.isClosed)) && port.isOpen;
    const client = clientOf(Work, { calls: this.calls, providers, settings: settings.call }, isOpen);
    this.caller = new Caller(port, client, ledger, chance);
  }

  /** Offers the service. */
  provide(): void {
    const { port, ledger, calls, chance } = this;
    const { concurrency, maxWaiting, inputWindowBytes } = ledger.weather;
    this.provided = new ProvidedService({
      port,
      service: Work,
      handlers: handlersOf({
        port,
        ledger,
        chance,
        call: (plan, parent) => this.caller.call(plan, parent),
      }) as never,
      refusal: ({ address }, procedure) =>
        isForbidden(address, procedure.split('/').at(-1)!) ? 'not-allowed' : undefined,
      concurrency,
      maxWaiting,
      windowBytes: inputWindowBytes,
      watch: (timed) => calls.watch(timed),
      unwatch: (timed) => calls.unwatch(timed),
      report: () => {},
    });
  }

  /** Takes the service back; resolves once that has ended, and its name is free again. */
  async withdraw(drainMs: number): Promise<void> {
    const { provided } = this;
    if (provided === undefined) return;
    this.provided = undefined;
    this.withdrawn.add(provided);
    await this.end([provided], drainMs);
    this.withdrawn.delete(provided);
  }

  /** Leaves as an imperium does, and shuts nothing down below. */
  async leave(drainMs: number): Promise<void> {
    this.isLeaving = true;
    await this.end(this.services, drainMs);
    this.provided = undefined;
    this.calls.close(new ProcedureError('unavailable', 'the imperium (fabric) was left here'));
    this.table.close();
    this.stopWatching();
  }

  /** Nobody provides here, and nothing is left of who did. */
  get isFree(): boolean {
    return !this.isLeaving && this.services.length === 0;
  }

  /** As others find it. */
  get announced(): DiscoveredPeer | undefined {
    if (this.provided === undefined || this.isLeaving || this.port.isGone) return undefined;
    const services = [Work.taberna.name];
    return {
      address: this.port.address,
      nodeId: undefined,
      nodeType: undefined,
      services,
      health: 'healthy',
      metadata: {},
    };
  }

  /** What is left, where nothing should be. */
  get leftovers(): string {
    const { calls, table } = this;
    const loads = table.table
      .known()
      .reduce((sum, { address }) => sum + table.table.loadOf(address, this.port.now()).inFlight, 0);
    const counts = {
      tries: calls.size,
      calls: calls.underWay,
      'resting calls': calls.resting.size,
      'handlers and waiting calls': this.services.reduce((sum, { underWay }) => sum + underWay, 0),
      'calls that count for a provider': loads,
      'calls that wait for providers': table.table.waiting,
    };
    return Object.entries(counts)
      .filter(([, count]) => count !== 0)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ');
  }

  private get services(): readonly ProvidedService[] {
    return [...(this.provided === undefined ? [] : [this.provided]), ...this.withdrawn];
  }

  private async end(services: readonly ProvidedService[], drainMs: number): Promise<void> {
    const drained = Promise.all(services.map((provided) => provided.drain()));
    await Promise.race([drained, new Promise<void>((resolve) => this.port.after(drainMs, resolve))]);
    for (const provided of services)
      if (provided.close() > 0) this.ledger.saw('handler aborted by the end of a service');
  }

  private release(address: DomusAddr): void {
    this.port.after(0, () => {
      if (this.isLeaving || this.calls.peers().has(address) || this.services.some((each) => each.serves(address)))
        return;
      if (!this.port.isIdle(address)) return;
      this.ledger.saw('session released');
      this.port.closePeer(address);
    });
  }
}
