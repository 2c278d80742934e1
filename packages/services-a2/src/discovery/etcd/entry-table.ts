/**
 * What stands under the prefix, as ranges and watches have told.
 *
 * 1. At most so many entries are kept; what is beyond them is counted as rubbish.
 * 2. A value that is no peer is kept as such, so that it is counted once for each time that it is written.
 */
import type { DiscoveredPeer } from '../discovery.ts';
import { decodeValue } from './etcd-value.ts';

const ENTRIES_MAX = 10_000;

/** A key with its value. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** The revision in which it was written. */
  readonly revision: bigint;
}

interface Kept {
  readonly revision: bigint;
  readonly peer: DiscoveredPeer | undefined;
}

export class EntryTable {
  private readonly prefix: string;
  private entries = new Map<string, Kept>();
  /** Values under the prefix that are no peers, each time that one is written. */
  rubbish = 0;
  /** The revision that the table has come to. */
  private revision = 0n;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Whether an entry that was put in this revision has gone since. */
  misses(key: string, revision: bigint): boolean {
    return revision <= this.revision && !this.entries.has(key) && this.entries.size < ENTRIES_MAX;
  }

  /** Whether so many entries, the newest of this revision, may be what the table holds. */
  agrees(count: number, newest: bigint): boolean {
    if (count >= ENTRIES_MAX) return true;
    let own = 0n;
    for (const { revision } of this.entries.values()) if (revision > own) own = revision;
    return count === this.entries.size && newest === own;
  }

  /** These are all entries in this revision. */
  replace(entries: readonly Entry[], revision: bigint): void {
    const before = this.entries;
    this.entries = new Map();
    for (const entry of entries) this.put(entry, before.get(entry.key));
    this.revision = revision;
  }

  put(entry: Entry, before: Kept | undefined = this.entries.get(entry.key)): void {
    this.revision = entry.revision;
    if (before?.revision === entry.revision) {
      this.entries.set(entry.key, before);
      return;
    }
    const hasRoom = before !== undefined || this.entries.size < ENTRIES_MAX;
    const peer = hasRoom ? decodeValue(this.prefix, entry.key, entry.value) : undefined;
    if (peer === undefined) this.rubbish++;
    if (hasRoom) this.entries.set(entry.key, { revision: entry.revision, peer });
  }

  delete(key: string, revision: bigint): void {
    this.revision = revision;
    this.entries.delete(key);
  }

  /** Newest first: of two entries with one address the newer is right. */
  peers(): DiscoveredPeer[] {
    return [...this.entries.values()]
      .sort((a, b) => (a.revision > b.revision ? -1 : 1))
      .flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  }
}
