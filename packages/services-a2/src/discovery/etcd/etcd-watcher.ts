/**
 * Keeps a table equal to what stands under the prefix: a range, then a watch from its revision on, for ever.
 *
 * 1. Whatever ends the watch - etcd's restart, a compacted revision, a silent connection - the next range sets all right.
 * 2. A watch that seems alive is tested now and then: etcd's count and newest revision must be those of the table.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Timing } from '../host-clock.ts';
import { reasonOf } from '../reason.ts';
import { pause, RetryPause } from '../retry-pause.ts';
import type { EntryTable } from './entry-table.ts';
import type { EtcdGateway } from './etcd-gateway.ts';
import { prefixDigest, rangePrefix, watchPrefix } from './etcd-keys.ts';

/** How often a silent watch is tested. */
export const TEST_MS = 30_000;
/** A watch that lasts so long counts as a success, however it ends. */
const LASTING_MS = 10_000;

export interface WatcherEvents {
  /** The table is another one. */
  replaced(): void;
  /** The peers at these addresses may be others now, or the same. */
  changed(addresses: readonly DomusAddr[]): void;
  /** Why etcd cannot be read; undefined: it can. */
  trouble(reason: string | undefined): void;
}

export class EtcdWatcher {
  private readonly gateway: EtcdGateway;
  private readonly prefix: string;
  private readonly table: EntryTable;
  private readonly timing: Timing;
  private readonly events: WatcherEvents;

  constructor(gateway: EtcdGateway, prefix: string, table: EntryTable, timing: Timing, events: WatcherEvents) {
    this.gateway = gateway;
    this.prefix = prefix;
    this.table = table;
    this.timing = timing;
    this.events = events;
  }

  /** Runs until the signal ends. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const retry = new RetryPause(this.timing);
    while (!signal.aborted) {
      const beganAt = this.timing.clock.now();
      try {
        await this.follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.events.trouble(reasonOf(error));
      }
      if (this.timing.clock.now() - beganAt >= LASTING_MS) retry.reset();
      await retry.wait(signal);
    }
  }

  /** Until the watch ends or fails. */
  private async follow(signal: AbortSignal): Promise<void> {
    const { revision, entries } = await rangePrefix(this.gateway, this.prefix, signal);
    this.table.replace(entries, revision);
    this.events.trouble(undefined);
    this.events.replaced();
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      await Promise.race([this.watch(revision + 1n, ending.signal), this.test(ending.signal)]);
    } finally {
      signal.removeEventListener('abort', end);
      ending.abort();
    }
  }

  private async watch(from: bigint, signal: AbortSignal): Promise<void> {
    for await (const news of watchPrefix(this.gateway, this.prefix, from, signal)) {
      for (const one of news) {
        if (one.kind === 'cancelled') return;
        this.events.changed(one.kind === 'put' ? this.table.put(one.entry) : this.table.delete(one.key, one.revision));
      }
    }
  }

  /** Ends when etcd holds what the watch has not told, twice in a row: once may be news on its way. */
  private async test(signal: AbortSignal): Promise<void> {
    for (let misses = 0; misses < 2 && !signal.aborted; ) {
      await pause(this.timing, misses === 0 ? TEST_MS : TEST_MS / 10, signal);
      if (signal.aborted) return;
      const { count, newest } = await prefixDigest(this.gateway, this.prefix, signal);
      misses = this.table.agrees(count, newest) ? 0 : misses + 1;
    }
  }
}
