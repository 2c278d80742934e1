/**
 * The table with its rules for what others tell: verifies, merges, suspects, buries, and keeps the news of it (topology,
 * records and detector). It sends nothing.
 *
 * 1. A record is looked at closely only where it would count more than the one that is held, and merged only when verified.
 * 2. Nobody is buried by hearsay at once: a claim of death gives its node the shortest suspicion to answer.
 * 3. The own record is always the own one in the own view, whatever others tell.
 */
import { bytesEqual } from './bytes-equal.ts';
import { utf8 } from './cbor-writer.ts';
import { INCARNATION_AHEAD_MS, RECORD_MAX_BYTES } from './limits.ts';
import type { LocalHealth } from './local-health.ts';
import type { Fact, RecordName } from './messages.ts';
import { NewsLog } from './news-log.ts';
import { type Entry, isGone, NodeTable, stateOf } from './node-table.ts';
import {
  compareRecords,
  isClash,
  type NodeRecord,
  type RecordRefusal,
  type SignedRecord,
  sameContent,
} from './record.ts';
import { decodeRecord, type RecordParts, toHex } from './record-codec.ts';
import type { TopologySettings } from './settings.ts';
import { Suspicion } from './suspicion.ts';
import type { TopologyEvent, TopologySink, TopologyWorld } from './topology-sink.ts';

/** Counts since the start, by what was refused. */
export type RefusalCounts = Record<RecordRefusal, number>;

/** What became of a fact. */
export type Learnt = 'new' | 'known' | 'older' | 'refused';

/** Events of refused records between two sweeps; all are counted, and a flood of them must not hide other events. */
const REFUSAL_EVENTS = 16;

export class Membership {
  readonly table: NodeTable;
  readonly news: NewsLog = new NewsLog();
  /** The number of changes of what `nodes()` shows. */
  version = 0;
  readonly refusals: RefusalCounts = {
    malformed: 0,
    oversized: 0,
    'far-future': 0,
    signature: 0,
    chain: 0,
    identity: 0,
    full: 0,
    older: 0,
    clash: 0,
  };
  /** The own record as it is announced. */
  own: SignedRecord;
  /** Somebody claims that this node is dead or suspect, or another record stands for it or its address: it must be outbid. */
  mustOutbid = false;
  /** The highest incarnation that must be outbid. */
  private outbid = 0;
  /** Another node id that was outbid at the own address has come back with more: it lives, and is not fought at full pace. */
  isContested = false;
  private lastRival: string | undefined = undefined;
  private refusalEvents = 0;
  private readonly suspects: Set<Entry> = new Set();
  private readonly settings: TopologySettings;
  private readonly world: TopologyWorld;
  private readonly sink: TopologySink;
  private readonly health: LocalHealth;

  constructor(
    own: SignedRecord,
    settings: TopologySettings,
    world: TopologyWorld,
    sink: TopologySink,
    health: LocalHealth,
  ) {
    this.own = own;
    this.settings = settings;
    this.world = world;
    this.sink = sink;
    this.health = health;
    this.table = new NodeTable(settings);
    this.table.put(own, 0);
    this.tell(own, 'record', '', '');
    this.version = 1;
  }

  /** The number of nodes that live, the own one included. */
  get size(): number {
    return this.table.live.length;
  }

  /** The next incarnation of the own record. */
  nextIncarnation(): number {
    return Math.max(this.own.record.incarnation, this.outbid) + 1;
  }

  /** Announces a new own record. */
  publish(own: SignedRecord, now: number): void {
    const previous = this.own;
    this.own = own;
    this.mustOutbid = false;
    this.isContested = false;
    this.table.put(own, now);
    this.tell(own, 'record', '', '');
    if (own.record.left) this.changed({ kind: 'left', node: own.record });
    else if (!sameContent(previous, own)) {
      this.changed({ kind: 'changed', node: own.record, previous: previous.record });
    }
  }

  /** Takes in what `peer` tells. */
  learn(fact: Fact, peer: string, now: number): Learnt {
    if (fact.kind === 'record') return this.learnRecord(fact, peer, now);
    const entry = this.table.withKey(fact.about.key);
    if (entry === undefined || !isAbout(fact.about, entry)) return 'known';
    return fact.kind === 'suspect'
      ? this.suspect(entry, fact.claimer, peer, now)
      : this.condemn(entry, fact.claimer, peer, now - Math.min(fact.ageMs, this.settings.tombstoneMs), now);
  }

  /** Suspects a node; `origin` is empty where this node is the one who does. */
  suspect(entry: Entry, claimer: string, origin: string, now: number): Learnt {
    if (entry.signed === this.own) return this.contradict();
    if (isGone(entry)) return 'older';
    const isFirst = entry.suspicion === undefined;
    const suspicion = this.suspicionOf(entry, now);
    if (!suspicion.confirm(claimer, this.size, this.settings)) return 'known';
    this.tell(entry.signed, 'suspect', claimer, origin);
    if (isFirst) this.changed({ kind: 'suspect', node: entry.signed.record, claimer });
    return 'new';
  }

  /** When the next suspicion ends; infinite where there is none. */
  nextVerdict(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { suspicion } of this.suspects) if (suspicion !== undefined) next = Math.min(next, suspicion.deadline);
    return next;
  }

  /** Buries those whose time to answer is over. */
  judge(now: number): void {
    for (const entry of this.suspects) {
      const { suspicion } = entry;
      if (suspicion === undefined) this.suspects.delete(entry);
      else if (now >= suspicion.deadline) this.judgeOne(entry, suspicion, now);
    }
  }

  /** Lets old tombstones go. */
  sweep(now: number): void {
    this.refusalEvents = 0;
    for (const { signed } of this.table.sweep(now)) {
      if (!this.isTwin(signed.record)) this.sink.event({ kind: 'forgotten', node: signed.record });
    }
  }

  /** A record from bytes that nobody vouches for; undefined, and counted, where it is refused. */
  verified(bytes: Uint8Array, peer: string): SignedRecord | undefined {
    const parts = this.parsed(bytes, peer);
    return parts === undefined ? undefined : this.proven(parts, peer);
  }

  /** The key under which the node of a fact is held; undefined where it is not. */
  keyOf(fact: Fact): string | undefined {
    if (fact.kind !== 'record') return this.table.withKey(fact.about.key)?.signed.key;
    return this.table.get(decodeRecord(fact.bytes).record.nodeId)?.signed.key;
  }

  isOwn(entry: Entry): boolean {
    return entry.signed.record.nodeId === this.own.record.nodeId;
  }

  private learnRecord(fact: Extract<Fact, { kind: 'record' }>, peer: string, now: number): Learnt {
    const parts = this.parsed(fact.bytes, peer);
    if (parts === undefined) return 'refused';
    const { nodeId, incarnation } = parts.record;
    const entry = this.table.get(nodeId);
    if (entry !== undefined && incarnation < entry.signed.record.incarnation) {
      this.refusals.older += 1;
      return 'older';
    }
    // An age without bound could not be told on.
    const goneAt = now - Math.min(fact.ageMs, this.settings.tombstoneMs);
    if (entry !== undefined && bytesEqual(parts.bytes, entry.signed.bytes)) {
      return this.learnEnd(entry, fact.claimer, peer, goneAt, now);
    }
    const isGoneThere = fact.claimer !== undefined || parts.record.left;
    if (entry === undefined && isGoneThere && this.table.isFaded(goneAt, now)) return 'known';
    if (entry === undefined && this.table.isFull) return this.refuse('full', peer, nodeId);
    const signed = this.proven(parts, peer);
    if (signed === undefined) return 'refused';
    if (nodeId === this.own.record.nodeId && this.isOlderLife(signed)) return 'new';
    if (parts.record.left) return this.merge(signed, entry, undefined, peer, goneAt, now);
    const rival = this.table.rivalOf(signed.record);
    // Of a node that was unknown, or whose address is another's, nothing is lost by believing that it died.
    const isBelieved = entry === undefined || rival !== undefined;
    const supplanter = this.supplanter(signed, rival);
    const claimer = (isBelieved ? fact.claimer : undefined) ?? supplanter;
    const learnt = this.merge(signed, entry, claimer, peer, goneAt, now);
    if (learnt !== 'new' || claimer !== undefined) return learnt;
    if (rival !== undefined) this.bury(rival, this.own.record.nodeId, peer, now);
    if (fact.claimer !== undefined) this.condemn(this.table.get(nodeId)!, fact.claimer, peer, goneAt, now);
    return learnt;
  }

  /** This node as a claimer, where a record comes too late: its address belongs to this node, or to one that counts more. */
  private supplanter(signed: SignedRecord, rival: Entry | undefined): string | undefined {
    const { nodeId, address } = this.own.record;
    const isOwnAddress = signed.record.address === address && signed.record.nodeId !== nodeId;
    if (isOwnAddress) this.contest(signed.record);
    const isLate = rival !== undefined && compareRecords(rival.signed, signed) > 0;
    return isOwnAddress || isLate ? nodeId : undefined;
  }

  /** Another node id stands for the own address. Others take whichever counts more to live there, so it is outbid. */
  private contest({ nodeId, incarnation }: NodeRecord): void {
    if (this.own.record.left) return;
    this.outbid = Math.max(this.outbid, incarnation);
    if (incarnation < this.own.record.incarnation) return;
    this.mustOutbid = true;
    this.isContested = this.lastRival === nodeId;
    this.lastRival = nodeId;
  }

  private merge(
    signed: SignedRecord,
    entry: Entry | undefined,
    claimer: string | undefined,
    peer: string,
    goneAt: number,
    now: number,
  ): Learnt {
    const previous = entry?.signed;
    const was = entry === undefined ? undefined : stateOf(entry);
    const at = signed.record.left || claimer !== undefined ? goneAt : now;
    if (this.table.put(signed, at, claimer) === undefined) {
      if (previous!.record.incarnation === signed.record.incarnation) this.clash(previous!, signed);
      return 'older';
    }
    this.suspects.delete(entry!);
    if (previous !== undefined && isClash(previous, signed)) this.clash(signed, previous);
    this.tell(signed, 'record', '', peer);
    const node = signed.record;
    const wasGone = was === undefined || was === 'dead' || was === 'left';
    if (node.left) this.changed({ kind: 'left', node });
    else if (claimer !== undefined) this.changed({ kind: 'dead', node, claimer });
    else if (wasGone) this.changed({ kind: 'joined', node });
    else if (was === 'suspect') this.changed({ kind: 'trusted', node });
    if (!node.left && claimer === undefined && !wasGone && !sameContent(previous!, signed)) {
      this.changed({ kind: 'changed', node, previous: previous!.record });
    }
    if (node.left || claimer !== undefined) this.succeed(this.table.get(node.nodeId)!);
    return 'new';
  }

  /** The record is the one that is held; what else is told of its node? */
  private learnEnd(entry: Entry, claimer: string | undefined, peer: string, goneAt: number, now: number): Learnt {
    if (claimer === undefined) return isGone(entry) && !entry.signed.record.left ? 'older' : 'known';
    if (entry.signed.record.left) {
      this.table.predate(entry, goneAt);
      return 'known';
    }
    return this.condemn(entry, claimer, peer, goneAt, now);
  }

  private condemn(entry: Entry, claimer: string, origin: string, goneAt: number, now: number): Learnt {
    if (entry.signed === this.own) return this.contradict();
    if (isGone(entry)) {
      this.table.predate(entry, goneAt);
      return 'known';
    }
    const isFirst = entry.suspicion === undefined;
    const suspicion = this.suspicionOf(entry, now);
    if (!suspicion.condemn(claimer, now, this.size, this.settings)) return 'known';
    this.tell(entry.signed, 'dead', claimer, origin);
    if (isFirst) this.changed({ kind: 'suspect', node: entry.signed.record, claimer });
    return 'new';
  }

  private suspicionOf(entry: Entry, now: number): Suspicion {
    const suspicion = entry.suspicion ?? new Suspicion(now);
    entry.suspicion = suspicion;
    this.suspects.add(entry);
    return suspicion;
  }

  private judgeOne(entry: Entry, suspicion: Suspicion, now: number): void {
    const claimer = suspicion.deadClaimer ?? this.own.record.nodeId;
    this.bury(entry, claimer, '', now);
  }

  private bury(entry: Entry, claimer: string, origin: string, goneAt: number): void {
    this.suspects.delete(entry);
    this.table.bury(entry, claimer, goneAt);
    this.tell(entry.signed, 'dead', claimer, origin);
    this.changed({ kind: 'dead', node: entry.signed.record, claimer });
    this.succeed(entry);
  }

  /** A twin, another life with the own node id and another address, is not fought; once it has gone, the own record counts. */
  private succeed({ signed: { record } }: Entry): void {
    if (!this.isTwin(record) || this.own.record.left) return;
    this.outbid = Math.max(this.outbid, record.incarnation);
    this.mustOutbid = true;
  }

  /** Somebody claims that this node is dead or may be. */
  private contradict(): Learnt {
    if (this.own.record.left || this.mustOutbid) return 'older';
    this.health.bad();
    this.mustOutbid = true;
    return 'older';
  }

  /** Whether a record with the own node id is of an older life of this node, which is then outbid. */
  private isOlderLife({ record }: SignedRecord): boolean {
    if (record.address !== this.own.record.address || this.own.record.left) return false;
    this.outbid = Math.max(this.outbid, record.incarnation);
    this.mustOutbid = true;
    return true;
  }

  private isTwin(record: NodeRecord): boolean {
    return record.nodeId === this.own.record.nodeId && record !== this.own.record;
  }

  private parsed(bytes: Uint8Array, peer: string): RecordParts | undefined {
    if (bytes.length > RECORD_MAX_BYTES) {
      this.refuse('oversized', peer, undefined);
      return undefined;
    }
    try {
      return decodeRecord(bytes);
    } catch {
      this.refuse('malformed', peer, undefined);
      return undefined;
    }
  }

  private proven(parts: RecordParts, peer: string): SignedRecord | undefined {
    const wallNow = this.world.wallNow();
    const { nodeId, incarnation } = parts.record;
    if (incarnation > wallNow + INCARNATION_AHEAD_MS) {
      this.refuse('far-future', peer, nodeId);
      return undefined;
    }
    const verdict = this.world.verifier.verify(parts, wallNow);
    if (verdict.kind === 'valid') return signedRecord(parts, verdict.validFromMs, this.world);
    this.refuse(verdict.reason, peer, nodeId);
    return undefined;
  }

  private refuse(reason: RecordRefusal, peer: string, nodeId: string | undefined): 'refused' {
    this.refusals[reason] += 1;
    this.refusalEvents += 1;
    if (this.refusalEvents <= REFUSAL_EVENTS) this.sink.event({ kind: 'refused', peer, reason, nodeId });
    return 'refused';
  }

  private clash(winner: SignedRecord, loser: SignedRecord): void {
    this.refusals.clash += 1;
    this.sink.event({ kind: 'clash', node: winner.record, other: loser.record });
  }

  private changed(event: Extract<TopologyEvent, { readonly node: NodeRecord }>): void {
    // What becomes of a twin is no change: the own record is shown all the time.
    if (this.isTwin(event.node)) return;
    this.version += 1;
    this.sink.event(event);
  }

  private tell({ record }: SignedRecord, news: 'record' | 'suspect' | 'dead', claimer: string, origin: string): void {
    this.news.append({ nodeId: record.nodeId, incarnation: record.incarnation, news, claimer, origin });
  }
}

/** A verified record in the form in which the table keeps it. */
export function signedRecord(
  { record, bytes }: { readonly record: SignedRecord['record']; readonly bytes: Uint8Array },
  validFromMs: number,
  world: Pick<TopologyWorld, 'hash'>,
): SignedRecord {
  const stamp = world.hash(bytes);
  const view = new DataView(stamp.buffer, stamp.byteOffset, 8);
  const key = toHex(world.hash(utf8(record.nodeId)).subarray(0, 8));
  return { record, bytes, validFromMs, key, stampHi: view.getUint32(0), stampLo: view.getUint32(4) };
}

/** Whether a claim is about exactly the record that is held. */
function isAbout(name: RecordName, { signed }: Entry): boolean {
  return (
    name.incarnation === signed.record.incarnation && name.stampHi === signed.stampHi && name.stampLo === signed.stampLo
  );
}
