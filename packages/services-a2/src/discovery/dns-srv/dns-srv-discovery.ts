/**
 * Peers from DNS SRV records (a2-services, providers and picking). Owns a resolver and one timer; it announces nothing.
 * One look is under way at a time, and the next begins when the answer is too old, within the two intervals.
 */
import { Resolver } from 'node:dns/promises';
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from '../discovery.ts';
import { type Timing, timingOf } from '../host-clock.ts';
import { PeerBook } from '../peer-book.ts';
import { pause } from '../retry-pause.ts';
import { type DnsSrvOptions, type DnsSrvResolved, resolveDnsSrvOptions } from './dns-srv-options.ts';
import { SrvKnowledge } from './srv-knowledge.ts';
import { lookUpSrv, type SrvOutcome } from './srv-lookup.ts';

/** Makes a discovery that asks DNS for SRV records. A wrong option is `invalid-config`. */
export function dnsSrvDiscovery(options: DnsSrvOptions): Discovery {
  return new DnsSrvDiscovery(resolveDnsSrvOptions(options));
}

const TRIES = 2;

class DnsSrvDiscovery implements Discovery {
  readonly serviceType = 'dns-srv';
  private readonly options: DnsSrvResolved;
  private readonly book = new PeerBook();
  private readonly knowledge: SrvKnowledge;
  private readonly resolver: Resolver;
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined = undefined;

  constructor(options: DnsSrvResolved) {
    this.options = options;
    this.knowledge = new SrvKnowledge(options.services, options.graceMs);
    this.resolver = new Resolver({ timeout: options.timeoutMs, tries: TRIES });
    if (options.servers !== undefined) this.resolver.setServers(options.servers);
  }

  get peerCount(): number {
    return this.book.count;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.book.peers();
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.book.open(host);
    this.loop = this.run(timingOf(host));
  }

  announce(): void {}

  async stop(): Promise<void> {
    this.book.close();
    this.stopping.abort();
    this.resolver.cancel();
    await this.loop;
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }

  private async run(timing: Timing): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const { name, family } = this.options;
      const outcome = await lookUpSrv({ resolver: this.resolver, name, family, signal });
      if (signal.aborted) return;
      const now = timing.clock.now();
      this.knowledge.note(outcome, now);
      this.book.setTrouble('dns', outcome.reason);
      this.book.setTrouble('txt', this.knowledge.refusal);
      this.book.replace(this.knowledge.peers());
      await pause(timing, this.untilNext(outcome, now) * (1 + timing.fraction() / 10), signal);
    }
  }

  /** Only addresses come with a time to live; an answer that is bad is asked for again soon. */
  private untilNext(outcome: SrvOutcome, now: number): number {
    const { intervalMs, maxIntervalMs } = this.options;
    if (outcome.kind === 'absent') return Math.max(1, Math.min(intervalMs, this.knowledge.emptyAt - now));
    if (outcome.kind === 'failed' || outcome.reason !== undefined || outcome.ttl === undefined) return intervalMs;
    return Math.min(maxIntervalMs, Math.max(intervalMs, outcome.ttl * 1000));
  }
}
