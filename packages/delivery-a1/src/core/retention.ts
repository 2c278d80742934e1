/**
 * The messages that one destination is owed: both tracked lanes, the ids under which they travel, and the one way in
 * which each of them settles (a1-delivery, retained lanes). A peer session and the local session stand on it.
 *
 * 1. A message is settled exactly once: answered, expired or failed with everything else.
 * 2. Deadlines are never moved; a message expires in whatever state it is.
 * 3. Ids are given at the first transmission, so that they rise in the order of the wire, and wrap.
 */
import { errorKindOf } from '@flaminia/transport-a0';
import { IdTable } from './id-table.ts';
import { type Carried, Lane, REPLAY } from './lane.ts';
import type { OutboundBlob } from './outbound-blob.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';
import { A2_LANE_CAPACITY } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class Retention {
  readonly a2: Lane = new Lane(A2_LANE_CAPACITY, NEVER);
  readonly a3: Lane;
  /** The id of the next message that is written for the first time, signed: others are objects of the engine. */
  private next: number;
  /** Who else holds ids of this sequence. */
  otherIds: { holds(id: number): boolean } | undefined = undefined;
  private readonly address: string;
  private readonly context: SessionContext;
  /** Written and unanswered ids: `slot * 2`, plus 1 in the A3 lane. */
  private readonly outstanding: IdTable;

  constructor(address: string, firstId: number, context: SessionContext) {
    this.address = address;
    this.next = firstId | 0;
    this.context = context;
    this.outstanding = new IdTable(context.idSalt);
    this.a3 = new Lane(context.settings.sendQueueSize, context.settings.sendQueueBytes);
  }

  /** As `take`, for a message that opens a blob stream; that is its waiter. */
  takeOpener(
    lane: Lane,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    blob: OutboundBlob,
  ): boolean {
    if (!lane.hasRoom(payload.length)) return this.take(lane, dstHi, dstLo, msgType, payload, deadline, false, blob);
    const slot = lane.add(dstHi, dstLo, msgType, payload, deadline, blob, false);
    lane.openers ??= new Map();
    lane.openers.set(slot, blob);
    return true;
  }

  /** Takes a message, or fails it at once with `local-queue-full`. `wait` parks it where the lane is full. */
  take(
    lane: Lane,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    wait: boolean,
    waiter: SendWaiter,
  ): boolean {
    const hasRoom = lane.hasRoom(payload.length);
    if (!hasRoom && !wait) {
      this.reportOverrun(lane, msgType);
      const text = `the ${lane === this.a2 ? 'A2' : 'A3'} lane to this peer is full (${lane.limit} messages)`;
      waiter.failed({ kind: 'local-queue-full', text, delivery: 'not-sent', cause: undefined }, this.address);
      return false;
    }
    lane.add(dstHi, dstLo, msgType, payload, deadline, waiter, !hasRoom);
    return true;
  }

  get isEmpty(): boolean {
    return this.a3.isEmpty && this.a2.isEmpty;
  }

  get hasReady(): boolean {
    return this.a3.hasReady || this.a2.hasReady;
  }

  /** Messages that count against the lanes. */
  get count(): number {
    return this.a2.count + this.a3.count;
  }

  /** No message is due earlier. Infinity while there is none. */
  get deadline(): number {
    return Math.min(this.a2.earliestDeadline, this.a3.earliestDeadline);
  }

  /** Notes that a slot is written, and who carries it until it is answered. From here on it has its id. */
  write(lane: Lane, slot: number, carried: Carried): void {
    if (lane.stateOf(slot) === REPLAY) this.context.counters.replays++;
    else this.giveId(lane, slot);
    lane.markWritten(slot, carried);
  }

  /** The id of the next message that is written for the first time, unless that is still in use. */
  get nextId(): number {
    return this.next >>> 0;
  }

  set nextId(id: number) {
    this.next = id | 0;
  }

  /** The id that the next first transmission gets. */
  idOfNext(): number {
    return this.signedNext() >>> 0;
  }

  /** Takes the next id for what is no message: chunks and completes share the sequence. */
  takeId(): number {
    return this.takeSigned() >>> 0;
  }

  /** Settles the message of this id; error id 0 is an ack. False for a late answer, which does nothing. */
  answer(id: number, errorId: number, text: string): boolean {
    const entry = this.outstanding.delete(id);
    if (entry < 0) return false;
    this.settle((entry & 1) === 1 ? this.a3 : this.a2, entry >> 1, errorId, text);
    return true;
  }

  /** Settles a slot that has no id any more, or never had one. */
  settle(lane: Lane, slot: number, errorId: number, text: string): void {
    const waiter = this.release(lane, slot);
    if (errorId === 0) {
      this.context.counters.sendsAccepted++;
      waiter.accepted();
    } else {
      waiter.failed({ kind: errorKindOf(errorId)!, text, delivery: 'refused', cause: undefined }, this.address);
    }
  }

  /** Fails what is due with `send-timeout`; `cause` explains why no connection was to be had. */
  expire(now: number, cause: unknown): void {
    const unwritten = cause === undefined ? 'not written before the deadline' : 'no connection before the deadline';
    for (const lane of [this.a2, this.a3]) {
      for (const slot of lane.dueBy(now)) {
        const text = lane.wasWritten(slot) ? 'no answer before the deadline' : unwritten;
        this.fail(lane, slot, { kind: 'send-timeout', text, delivery: 'not-sent', cause });
      }
    }
  }

  /** Is the message with this id still unanswered, and its deadline no later than `until`? */
  isDue(id: number, until: number): boolean {
    const entry = this.outstanding.get(id);
    if (entry < 0) return false;
    const lane = (entry & 1) === 1 ? this.a3 : this.a2;
    return lane.deadline[entry >> 1]! <= until;
  }

  /** Is the message with this id still unanswered, and not carried by that callis? */
  hasMoved(id: number, carried: Carried): boolean {
    const entry = this.outstanding.get(id);
    if (entry < 0) return false;
    const lane = (entry & 1) === 1 ? this.a3 : this.a2;
    return !lane.isCarried(entry >> 1, carried);
  }

  /** Fails everything. */
  failAll(failure: SendFailure): void {
    this.failEach(failure, false);
  }

  /** Fails whatever was ever written; what was not stays. */
  failWritten(failure: SendFailure): void {
    this.failEach(failure, true);
  }

  /** The limits may have changed: lets in what waits for room. */
  settingsChanged(): void {
    const { sendQueueSize, sendQueueBytes } = this.context.settings;
    this.a3.setLimits(sendQueueSize, sendQueueBytes);
  }

  private failEach(failure: SendFailure, writtenOnly: boolean): void {
    for (const lane of [this.a2, this.a3]) {
      for (const slot of lane.slots()) {
        if (!writtenOnly || lane.wasWritten(slot)) this.fail(lane, slot, failure);
      }
    }
  }

  /** Whether the message may have been handled is known here alone, and overrides the failure's word. */
  private fail(lane: Lane, slot: number, failure: SendFailure): void {
    const written = lane.wasWritten(slot);
    if (written) this.outstanding.delete(lane.idOf(slot));
    this.release(lane, slot).failed({ ...failure, delivery: written ? 'unknown' : 'not-sent' }, this.address);
  }

  private release(lane: Lane, slot: number): SendWaiter {
    const waiter = lane.waiter[slot]!;
    lane.release(slot);
    return waiter;
  }

  private giveId(lane: Lane, slot: number): void {
    const id = this.takeSigned();
    lane.setId(slot, id);
    this.outstanding.add(id, slot * 2 + (lane === this.a3 ? 1 : 0));
  }

  private takeSigned(): number {
    const id = this.signedNext();
    this.next = (id + 1) | 0;
    return id;
  }

  /** After 2^32 messages an old one may still hold its own. */
  private signedNext(): number {
    while (this.outstanding.get(this.next) >= 0 || this.otherIds?.holds(this.next >>> 0) === true)
      this.next = (this.next + 1) | 0;
    return this.next;
  }

  private reportOverrun(lane: Lane, msgType: number): void {
    const { counters, sink } = this.context;
    const tier = lane === this.a2 ? 'a2' : 'a3';
    if (tier === 'a2') counters.overrunsA2++;
    else counters.overrunsA3++;
    sink.event({ kind: 'outbound-queue-overrun', address: this.address, tier, limit: lane.limit, msgType });
    sink.event({ kind: 'limited-log', id: 1004, address: this.address });
  }
}
