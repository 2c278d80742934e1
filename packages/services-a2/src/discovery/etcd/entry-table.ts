/**
 * What stands under the prefix, as ranges and watches have told.
 *
 * 1. At most so many entries are kept; what is beyond them is counted as rubbish.
 * 2. A value that is no peer is kept as such, so that it is counted once for each time that it is written.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from '../discovery.ts';
import { decodeValue } from './etcd-value.ts';

export const ENTRIES_MAX = 10_000;

/** A key, with a character for each of its bytes, and its value. */
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
  private readonly keysAt = new Map<DomusAddr, Set<string>>();
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
    this.keysAt.clear();
    for (const entry of entries) this.keep(entry, before.get(entry.key));
    this.revision = revision;
  }

  /** The addresses whose peers may be others now. */
  put(entry: Entry): readonly DomusAddr[] {
    const before = this.entries.get(entry.key);
    this.leave(entry.key, before);
    this.keep(entry, before);
    this.revision = entry.revision;
    return addressesOf(before, this.entries.get(entry.key));
  }

  /** The addresses whose peers may be others now. */
  delete(key: string, revision: bigint): readonly DomusAddr[] {
    const before = this.entries.get(key);
    this.leave(key, before);
    this.entries.delete(key);
    this.revision = revision;
    return addressesOf(before);
  }

  /** The peer at an address: of several entries the newest is right. */
  peerAt(address: DomusAddr): DiscoveredPeer | undefined {
    let newest: Kept | undefined;
    for (const key of this.keysAt.get(address) ?? []) {
      const kept = this.entries.get(key)!;
      if (newest === undefined || newest.revision < kept.revision) newest = kept;
    }
    return newest?.peer;
  }

  peers(): DiscoveredPeer[] {
    return [...this.keysAt.keys()].map((address) => this.peerAt(address)!);
  }

  private keep(entry: Entry, before: Kept | undefined): void {
    const hasRoom = before !== undefined || this.entries.size < ENTRIES_MAX;
    let peer = before?.peer;
    if (before?.revision !== entry.revision) {
      peer = hasRoom ? decodeValue(this.prefix, entry.key, entry.value) : undefined;
      if (peer === undefined) this.rubbish++;
    }
    if (!hasRoom) return;
    this.entries.set(entry.key, { revision: entry.revision, peer });
    if (peer === undefined) return;
    const keys = this.keysAt.get(peer.address) ?? new Set();
    this.keysAt.set(peer.address, keys.add(entry.key));
  }

  private leave(key: string, before: Kept | undefined): void {
    const address = before?.peer?.address;
    const keys = address === undefined ? undefined : this.keysAt.get(address);
    keys?.delete(key);
    if (address !== undefined && keys?.size === 0) this.keysAt.delete(address);
  }
}

function addressesOf(...kept: readonly (Kept | undefined)[]): readonly DomusAddr[] {
  return kept.flatMap((one) => (one?.peer === undefined ? [] : [one.peer.address]));
}
