/**
 * Keeps the own entry in etcd, under a lease of its own.
 *
 * 1. One lease at a time, kept alive at a third of its life; one that is lost is replaced, and the entry put again.
 * 2. There is an entry exactly while the node has services.
 * 3. However often the announcement changes, one request is under way at a time, and the last state wins.
 */
import type { DiscoveredPeer } from '../discovery.ts';
import type { Timing } from '../host-clock.ts';
import { fittingPeer } from '../peer-claim.ts';
import { reasonOf } from '../reason.ts';
import { pause, RetryPause } from '../retry-pause.ts';
import type { EtcdGateway } from './etcd-gateway.ts';
import { grantLease, keepAlive, putKey, revokeLease } from './etcd-keys.ts';
import { encodeValue, keyOf } from './etcd-value.ts';

interface Lease {
  readonly id: string;
  keptAt: number;
  /** The entry that it holds, as key and value. */
  put: { readonly key: string; readonly value: string; readonly revision: bigint } | undefined;
}

export interface PublisherOptions {
  readonly prefix: string;
  readonly ttlMs: number;
}

export class EtcdPublisher {
  private readonly gateway: EtcdGateway;
  private readonly options: PublisherOptions;
  private readonly timing: Timing;
  private readonly announcement: () => DiscoveredPeer;
  private readonly trouble: (reason: string | undefined) => void;
  private lease: Lease | undefined = undefined;
  /** Aborting it ends the wait between two steps. */
  private waiting = new AbortController();
  private isStale = false;

  constructor(
    gateway: EtcdGateway,
    options: PublisherOptions,
    timing: Timing,
    announcement: () => DiscoveredPeer,
    trouble: (reason: string | undefined) => void,
  ) {
    this.gateway = gateway;
    this.options = options;
    this.timing = timing;
    this.announcement = announcement;
    this.trouble = trouble;
  }

  /** The entry that etcd has, as its key and the revision in which it was put; undefined while it has none. */
  get entry(): { readonly key: string; readonly revision: bigint } | undefined {
    return this.lease?.put;
  }

  /** The announcement has changed. */
  announce(): void {
    this.isStale = true;
    this.waiting.abort();
  }

  /** The entry is said to be gone: the lease is looked at, and the entry put again. */
  missed(): void {
    if (this.lease === undefined) return;
    this.lease.keptAt = Number.NEGATIVE_INFINITY;
    this.lease.put = undefined;
    this.announce();
  }

  /** Runs until the signal ends. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const retry = new RetryPause(this.timing);
    while (!signal.aborted) {
      this.isStale = false;
      let left: number;
      try {
        left = await this.step(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.trouble(reasonOf(error));
        await retry.wait(signal);
        continue;
      }
      this.trouble(left === 0 ? undefined : `${left} services or metadata are beyond the bounds of a peer`);
      retry.reset();
      await this.rest(signal);
    }
  }

  /** Ends the lease, if there is one. Rejects where etcd cannot be told; the lease ends by itself then. */
  async withdraw(signal: AbortSignal): Promise<void> {
    const { lease } = this;
    this.lease = undefined;
    if (lease !== undefined) await revokeLease(this.gateway, lease.id, signal);
  }

  /** Gives how much of the announcement is left out. */
  private async step(signal: AbortSignal): Promise<number> {
    const { peer, left } = fittingPeer(this.announcement());
    if (peer.services.length === 0) {
      await this.withdraw(signal);
      return 0;
    }
    const lease = await this.livingLease(signal);
    const entry = { key: keyOf(this.options.prefix, peer), value: encodeValue(peer) };
    if (lease.put?.key === entry.key && lease.put.value === entry.value) return left;
    if (lease.put !== undefined && lease.put.key !== entry.key) {
      // Only its lease's end takes the old key away.
      await this.withdraw(signal);
      return this.step(signal);
    }
    try {
      const revision = await putKey(this.gateway, entry.key, entry.value, lease.id, signal);
      lease.put = { ...entry, revision };
      return left;
    } catch (error) {
      // It may be for the lease, which is looked at before the next try.
      lease.keptAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  private async livingLease(signal: AbortSignal): Promise<Lease> {
    const { ttlMs } = this.options;
    const now = this.timing.clock.now();
    if (this.lease !== undefined && now - this.lease.keptAt >= ttlMs / 3) {
      if (await keepAlive(this.gateway, this.lease.id, signal)) this.lease.keptAt = now;
      else this.lease = undefined;
    }
    this.lease ??= { id: await grantLease(this.gateway, ttlMs, signal), keptAt: now, put: undefined };
    return this.lease;
  }

  /** Until the lease wants to be kept alive, or something has changed. */
  private async rest(signal: AbortSignal): Promise<void> {
    if (this.isStale || signal.aborted) return;
    this.waiting = new AbortController();
    const { waiting } = this;
    const end = (): void => waiting.abort();
    signal.addEventListener('abort', end, { once: true });
    await pause(this.timing, this.options.ttlMs / 3, waiting.signal);
    signal.removeEventListener('abort', end);
  }
}
