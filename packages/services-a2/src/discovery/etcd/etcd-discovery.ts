/**
 * Peers in etcd (a2-services, providers and picking): each provider keeps an entry under a lease, all watch the prefix. Owns
 * the two loops; each mends itself, and while one cannot work the discovery is degraded and what was known stays known.
 */
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from '../discovery.ts';
import { timingOf } from '../host-clock.ts';
import { PeerBook } from '../peer-book.ts';
import { pause } from '../retry-pause.ts';
import { EntryTable } from './entry-table.ts';
import { EtcdGateway } from './etcd-gateway.ts';
import { type EtcdOptions, type EtcdResolved, resolveEtcdOptions } from './etcd-options.ts';
import { EtcdPublisher } from './etcd-publisher.ts';
import { EtcdWatcher } from './etcd-watcher.ts';

/** A discovery by etcd. */
export interface EtcdDiscovery extends Discovery {
  /** Values under the prefix that are no peers, counted each time that one is written. They are ignored. */
  readonly rubbish: number;
}

/** Makes a discovery by etcd 3.4 or newer, through its JSON gateway. A wrong option is `invalid-config`. */
export function etcdDiscovery(options: EtcdOptions): EtcdDiscovery {
  return new Etcd(resolveEtcdOptions(options));
}

/** How long `stop` waits for etcd to end the lease. */
const FAREWELL_MS = 2_000;

interface Running {
  readonly publisher: EtcdPublisher;
  readonly loops: Promise<unknown>;
  readonly farewell: () => Promise<void>;
}

class Etcd implements EtcdDiscovery {
  readonly serviceType = 'etcd';
  private readonly options: EtcdResolved;
  private readonly book = new PeerBook();
  private readonly table: EntryTable;
  private readonly stopping = new AbortController();
  private running: Running | undefined = undefined;
  private stopped: Promise<void> | undefined = undefined;

  constructor(options: EtcdResolved) {
    this.options = options;
    this.table = new EntryTable(options.prefix);
  }

  get rubbish(): number {
    return this.table.rubbish;
  }

  get peerCount(): number {
    return this.book.count;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.book.peers();
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.book.open(host);
    const timing = timingOf(host);
    const gateway = new EtcdGateway(this.options, timing);
    const publisher = new EtcdPublisher(
      gateway,
      this.options,
      timing,
      () => host.announcement(),
      (reason) => this.book.setTrouble('announcement', reason),
    );
    const watcher = new EtcdWatcher(gateway, this.options.prefix, this.table, timing, {
      replaced: () => {
        this.book.replace(this.table.peers());
        this.lookForOwn(publisher);
      },
      changed: (addresses) => {
        for (const address of addresses) this.book.set(address, this.table.peerAt(address));
        this.lookForOwn(publisher);
      },
      trouble: (reason) => this.book.setTrouble('watch', reason),
    });
    const { signal } = this.stopping;
    const farewell = async (): Promise<void> => {
      const limit = new AbortController();
      const withdrawal = publisher.withdraw(limit.signal).catch(() => undefined);
      const done = new AbortController();
      void withdrawal.then(() => done.abort());
      await pause(timing, FAREWELL_MS, done.signal);
      limit.abort();
      await withdrawal;
    };
    this.running = { publisher, loops: Promise.all([publisher.run(signal), watcher.run(signal)]), farewell };
  }

  announce(): void {
    this.running?.publisher.announce();
  }

  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }

  private lookForOwn(publisher: EtcdPublisher): void {
    const { entry } = publisher;
    if (entry !== undefined && this.table.misses(entry.key, entry.revision)) publisher.missed();
  }

  private async close(): Promise<void> {
    this.book.close();
    this.stopping.abort();
    await this.running?.loops;
    await this.running?.farewell();
  }
}
