/**
 * What a node knows of all nodes: one entry each, with the latest record and whether its node is thought to live.
 *
 * 1. An entry only ever rises in one total order: incarnation, validity of the certificate, stamp of the record, then dead
 *    above alive. So tables that have heard the same are the same, in whatever order they heard it.
 * 2. What is gone stays as a tombstone for `tombstoneMs`, in the digest for half of that: a tombstone that one node has
 *    dropped and another has not is no difference that must be settled.
 * 3. The table holds no more than `maxNodes` entries.
 * 4. At most one node lives at an address: whoever puts in another one buries the one that counts less.
 */
import { bucketOf, Digest, stampHiOf, stampLoOf } from './digest.ts';
import type { RecordName } from './messages.ts';
import { compareRecords, type NodeRecord, type SignedRecord } from './record.ts';
import type { TopologySettings } from './settings.ts';
import type { Suspicion } from './suspicion.ts';

export type NodeState = 'live' | 'suspect' | 'dead' | 'left';

/** One node. Only the table changes what is not marked. */
export interface Entry {
  signed: SignedRecord;
  /** Who declared it dead; undefined while nobody has. */
  claimer: string | undefined;
  /** When it died or left, as far as is known; meaningful only then. */
  goneAt: number;
  /** Set and cleared by the detector, while the node lives. */
  suspicion: Suspicion | undefined;
  /** Its place in the list of those that live, or of those that are gone. */
  place: number;
  inDigest: boolean;
}

export class NodeTable {
  readonly digest: Digest = new Digest();
  private readonly byId: Map<string, Entry> = new Map();
  private readonly byKey: Map<string, Entry> = new Map();
  private readonly byAddress: Map<string, Entry> = new Map();
  private readonly living: Entry[] = [];
  private readonly departed: Entry[] = [];
  private readonly settings: TopologySettings;

  constructor(settings: TopologySettings) {
    this.settings = settings;
  }

  /** All that live or are suspected, in no order. */
  get live(): readonly Entry[] {
    return this.living;
  }

  /** All tombstones, in no order. */
  get gone(): readonly Entry[] {
    return this.departed;
  }

  get(nodeId: string): Entry | undefined {
    return this.byId.get(nodeId);
  }

  withKey(key: string): Entry | undefined {
    return this.byKey.get(key);
  }

  /** The node that lives at an address. */
  liveAt(address: string): Entry | undefined {
    const entry = this.byAddress.get(address);
    return entry !== undefined && !isGone(entry) ? entry : undefined;
  }

  get isFull(): boolean {
    return this.byId.size >= this.settings.maxNodes;
  }

  /** The other node that lives at the address of a record. */
  rivalOf({ nodeId, address }: NodeRecord): Entry | undefined {
    const entry = this.liveAt(address);
    return entry?.signed.record.nodeId === nodeId ? undefined : entry;
  }

  /**
   * Takes in a verified record; undefined where what is held counts more, or the same. `claimer`: it is that of a dead node,
   * which never lives here meanwhile. `goneAt` matters for one that is dead or left.
   */
  put(signed: SignedRecord, goneAt: number, claimer: string | undefined = undefined): Entry | undefined {
    const { nodeId } = signed.record;
    let entry = this.byId.get(nodeId);
    if (entry === undefined) {
      entry = { signed, claimer, goneAt, suspicion: undefined, place: -1, inDigest: false };
      this.byId.set(nodeId, entry);
      this.byKey.set(signed.key, entry);
    } else {
      if (compareRecords(signed, entry.signed) <= 0) return undefined;
      this.withdraw(entry);
      entry.signed = signed;
      entry.claimer = claimer;
      entry.suspicion = undefined;
      entry.goneAt = goneAt;
    }
    this.enter(entry);
    return entry;
  }

  /** Declares dead a node that lives. */
  bury(entry: Entry, claimer: string, goneAt: number): void {
    this.withdraw(entry);
    entry.claimer = claimer;
    entry.suspicion = undefined;
    entry.goneAt = goneAt;
    this.enter(entry);
  }

  /** Somebody knows of an earlier end: tombstones everywhere shall fade at about one time. */
  predate(entry: Entry, goneAt: number): void {
    if (isGone(entry)) entry.goneAt = Math.min(entry.goneAt, goneAt);
  }

  /** Whether a tombstone of this age is no longer told to those who know nothing of its node. */
  isFaded(goneAt: number, now: number): boolean {
    return now - goneAt >= this.settings.tombstoneMs / 2;
  }

  /** Lets tombstones fade and go; gives those that went. */
  sweep(now: number): Entry[] {
    const forgotten: Entry[] = [];
    for (const entry of [...this.departed]) {
      if (this.isFaded(entry.goneAt, now)) this.leaveDigest(entry);
      if (now - entry.goneAt < this.settings.tombstoneMs) continue;
      this.withdraw(entry);
      this.byId.delete(entry.signed.record.nodeId);
      this.byKey.delete(entry.signed.key);
      forgotten.push(entry);
    }
    return forgotten;
  }

  /** What the digests of some buckets stand for: the entries of each, without faded tombstones. */
  inBuckets(buckets: Iterable<number>): Map<number, Entry[]> {
    const found = new Map<number, Entry[]>([...buckets].map((bucket) => [bucket, []]));
    if (found.size === 0) return found;
    for (const [key, entry] of this.byKey) if (entry.inDigest) found.get(bucketOf(key))?.push(entry);
    return found;
  }

  private enter(entry: Entry): void {
    const list = isGone(entry) ? this.departed : this.living;
    entry.place = list.length;
    list.push(entry);
    if (!isGone(entry)) this.byAddress.set(entry.signed.record.address, entry);
    this.digest.toggle(entry.signed, entry.claimer !== undefined);
    entry.inDigest = true;
  }

  private withdraw(entry: Entry): void {
    const list = isGone(entry) ? this.departed : this.living;
    const last = list.pop()!;
    if (last !== entry) {
      list[entry.place] = last;
      last.place = entry.place;
    }
    const { address } = entry.signed.record;
    if (this.byAddress.get(address) === entry) this.byAddress.delete(address);
    this.leaveDigest(entry);
  }

  private leaveDigest(entry: Entry): void {
    if (!entry.inDigest) return;
    this.digest.toggle(entry.signed, entry.claimer !== undefined);
    entry.inDigest = false;
  }
}

export function stateOf(entry: Entry): NodeState {
  if (entry.signed.record.left) return 'left';
  if (entry.claimer !== undefined) return 'dead';
  return entry.suspicion === undefined ? 'live' : 'suspect';
}

export function isGone(entry: Entry): boolean {
  return entry.claimer !== undefined || entry.signed.record.left;
}

/** How an entry is named in listings. */
export function nameOf({ signed, claimer }: Entry): RecordName {
  const isDead = claimer !== undefined;
  const { key, record } = signed;
  return {
    key,
    incarnation: record.incarnation,
    stampHi: stampHiOf(signed, isDead),
    stampLo: stampLoOf(signed, isDead),
  };
}
