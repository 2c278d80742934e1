/**
 * The providers of a service as the calls of this node see them: one table for all clients of a service, so that what one
 * learns of a provider all know, and for each client its picker, its budget and how many providers it waits for.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from './discovery/discovery.ts';
import type { ClientSettings } from './imperium-options.ts';
import type { Port } from './port.ts';
import { ProcedureError } from './procedures/procedure-error.ts';
import type { ProviderQuestion, ProviderSource, ProvidersAwaited } from './procedures/provider-source.ts';
import type { ProviderSettings } from './providers/core/provider-settings.ts';
import { type ProviderCall, ProviderTable } from './providers/core/provider-table.ts';
import type { ProviderWait, ProviderWaiter } from './providers/core/provider-waits.ts';
import { RetryBudget } from './providers/core/retry-budget.ts';
import { roundRobin } from './providers/core/round-robin.ts';
import type { Picker } from './providers/picker.ts';
import type { Provider } from './providers/provider.ts';
import { type Abortable, watchedSignals } from './signal-watch.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** The table of one service with its timer. */
export class ServiceTable {
  readonly service: string;
  readonly table: ProviderTable;
  private readonly port: Port;
  private timer: ReturnType<Port['clock']['startTimer']> | undefined = undefined;
  private timerAt = NEVER;
  private isClosed = false;
  /** Nobody is known but this node, whatever it offers. */
  private isAlone = true;
  private readonly probe: (address: DomusAddr) => Promise<unknown>;

  /** `released`: a provider has left and nothing is under way with it. `probe` asks one whether it is there. */
  constructor(
    service: string,
    settings: ProviderSettings,
    port: Port,
    released: (address: DomusAddr) => void,
    probe: (address: DomusAddr) => Promise<unknown>,
  ) {
    this.service = service;
    this.port = port;
    this.probe = probe;
    this.table = new ProviderTable(service, settings, {
      ejected: ({ address }) => {
        port.report({ kind: 'provider-ejected', peer: address, service });
        this.arm();
      },
      readmitted: ({ address }) => port.report({ kind: 'provider-readmitted', peer: address, service }),
      released: ({ address }) => released(address),
    });
  }

  update(peers: readonly DiscoveredPeer[]): void {
    this.isAlone = peers.every(({ address }) => address === this.port.address);
    this.table.update(peers, this.port.now());
    this.probeDue();
    this.arm();
  }

  /** Resolves once so many providers are on offer; rejects with `no-providers`, or when the signal ends. */
  wait(wanted: number, limitMs: number, signal?: AbortSignal): ProvidersAwaited {
    if (signal?.aborted === true) return Promise.reject(givenUp(this.service, signal));
    let cancel = (): void => {};
    const found = new Promise<void>((resolve, reject) => {
      let isTold = false;
      const abortable: Abortable = {
        aborted: () => {
          cancel();
          reject(givenUp(this.service, signal!));
        },
      };
      const told = (settle: () => void): void => {
        isTold = true;
        if (signal !== undefined) watchedSignals.delete(signal, abortable);
        settle();
      };
      const waiter: ProviderWaiter = {
        ready: () => told(resolve),
        timedOut: ({ text, service, found }) => {
          const reason = this.isAlone ? `${text}: this node knows no other node` : text;
          told(() => reject(new ProcedureError('no-providers', reason, { details: { service, wanted, found } })));
        },
        closed: () => told(() => reject(new ProcedureError('unavailable', 'the imperium (fabric) was left here'))),
      };
      const now = this.port.now();
      const wait = this.table.wait(wanted, now + limitMs, waiter, now);
      cancel = () => {
        if (!isTold) told(() => this.giveUp(wait));
      };
      if (!isTold && signal !== undefined) watchedSignals.add(signal, abortable);
      this.arm();
    });
    return Object.assign(found, { cancel: () => cancel() });
  }

  /** After whatever may have changed when the table has something to do. */
  arm(): void {
    const next = this.table.nextDeadline();
    if (this.isClosed || next >= this.timerAt) return;
    const { clock } = this.port;
    this.disarm();
    this.timerAt = next;
    this.timer = clock.startTimer(Math.max(1, Math.ceil(next - clock.now())), () => {
      this.timer = undefined;
      this.timerAt = NEVER;
      this.table.tick(clock.now());
      this.probeDue();
      this.arm();
    });
  }

  /** A connection with this provider has come up. */
  seen(address: DomusAddr): void {
    this.table.seen(address, this.port.now());
    this.probeDue();
  }

  /** Ejected providers whose time has come are asked, so that no call has to find out. */
  private probeDue(): void {
    const now = this.port.clock.now();
    for (let next = this.table.takeProbe(now); next !== undefined; next = this.table.takeProbe(now)) {
      const call = next;
      const ended = (outcome: 'answered' | 'unreachable'): void => {
        call.end(outcome, this.port.clock.now());
        this.arm();
      };
      this.ask(call.provider.address).then(
        () => ended('answered'),
        () => ended('unreachable'),
      );
    }
  }

  /** Rejects also where the probe throws. This node cannot ask itself, and is there. */
  private async ask(address: DomusAddr): Promise<void> {
    if (address !== this.port.address) await this.probe(address);
  }

  close(): void {
    this.isClosed = true;
    this.table.close();
    this.disarm();
  }

  private giveUp(wait: ProviderWait): void {
    wait.cancel();
    // Only behind the last one: thousands may be given up at once.
    if (this.table.waiting > 0) return;
    this.disarm();
    this.arm();
  }

  private disarm(): void {
    if (this.timer !== undefined) this.port.clock.stopTimer(this.timer);
    this.timer = undefined;
    this.timerAt = NEVER;
  }
}

/** The providers as one client wants them. */
export class ClientProviders implements ProviderSource {
  private readonly providers: ServiceTable;
  private readonly settings: ClientSettings;
  private readonly port: Port;
  private readonly picker: Picker;
  private readonly budget: RetryBudget;
  private readonly random: () => number;
  /** So many providers as were wanted have been there once. */
  private isReady: boolean;

  constructor(providers: ServiceTable, settings: ClientSettings, port: Port) {
    this.providers = providers;
    this.settings = settings;
    this.port = port;
    this.picker = settings.picker ?? roundRobin();
    this.budget = new RetryBudget({}, port.now());
    this.random = () => port.random();
    this.isReady = settings.minProviders <= 1;
  }

  pick(question: ProviderQuestion): Provider | undefined {
    const { table } = this.providers;
    const now = this.port.now();
    if (!this.isReady) {
      if (table.offered(now).length < this.settings.minProviders) return undefined;
      this.isReady = true;
    }
    try {
      return table.pick(this.picker, question, now, this.random);
    } catch (cause) {
      if (!DomusError.is(cause)) throw cause;
      throw new ProcedureError('internal', `the picker failed: ${cause.message}`, { cause });
    }
  }

  wait(limitMs: number): ProvidersAwaited {
    const { minProviders, discoverTimeoutMs } = this.settings;
    const { service } = this.providers;
    if (minProviders === 0) return Promise.reject(new ProcedureError('no-providers', `nobody provides ${service}`));
    return this.providers.wait(minProviders, Math.min(limitMs, discoverTimeoutMs));
  }

  begin(provider: Provider): ProviderCall {
    return this.providers.table.begin(provider, this.port.now());
  }

  called(): void {
    this.budget.called();
  }

  hasOffer(): boolean {
    return this.providers.table.offered(this.port.now()).length > 0;
  }

  mayRetry(): boolean {
    return this.budget.take(this.port.now());
  }
}

function givenUp(service: string, signal: AbortSignal): ProcedureError {
  return new ProcedureError('cancelled', `nobody waits for providers of ${service} any more`, { cause: signal.reason });
}
