/**
 * A retained lane: the bounded queue of tracked messages (A2 or A3) of one peer session (a1-delivery, retained lanes).
 * Owns every message from the moment A1 takes it until it is settled. Knows no callis and no clock.
 *
 * 1. A slot is in exactly one list: free, parked, fresh, replay, or the inflight list of the callis that carried it.
 * 2. Selection: replay before fresh, FIFO in each; what a lost callis carried returns in the order of its ids.
 * 3. All slots in use stand in one list ordered by deadline. Insertion at its end is the rule, since the timeout is one
 *    value; only after it was lowered does an insertion walk.
 * 4. Parked messages wait for room (`whenFull: 'wait'`) and count neither as messages nor as bytes of the lane.
 *
 * Columns instead of objects: nothing is allocated per message, and nothing at all before the first one.
 */

import type { SendWaiter } from './send-waiter.ts';

/** Where a slot stands. */
export const FREE = 0;
export const PARKED = 1;
export const FRESH = 2;
export const INFLIGHT = 3;
export const REPLAY = 4;

/** No slot. */
export const NONE = -1;

const FIRST_SLOTS = 8;
// A lane that was never used holds no memory of its own.
const NO_U8 = new Uint8Array(0);
const NO_U32 = new Uint32Array(0);
const NO_I32 = new Int32Array(0);
const NO_F64 = new Float64Array(0);

/** Head and tail of a list of slots. A callis owns one per lane for what it carried. */
export class SlotList {
  head: number = NONE;
  tail: number = NONE;
}

export class Lane {
  /** Messages that count against the limit: all in use but the parked. */
  count = 0;
  /** Payload bytes that count against the limit. */
  bytes = 0;

  state: Uint8Array = NO_U8;
  id: Uint32Array = NO_U32;
  dstHi: Uint32Array = NO_U32;
  dstLo: Uint32Array = NO_U32;
  msgType: Uint32Array = NO_U32;
  deadline: Float64Array = NO_F64;
  readonly payload: (Uint8Array | undefined)[] = [];
  readonly waiter: (SendWaiter | undefined)[] = [];

  private next: Int32Array = NO_I32;
  private prev: Int32Array = NO_I32;
  private later: Int32Array = NO_I32;
  private earlier: Int32Array = NO_I32;
  private readonly owner: (SlotList | undefined)[] = [];
  private readonly free = new SlotList();
  private readonly parked = new SlotList();
  private readonly fresh = new SlotList();
  private readonly replay = new SlotList();
  private firstDue = NONE;
  private lastDue = NONE;

  /** Would a message of this size be taken now? One message always fits; parked ones come first. */
  hasRoom(payloadBytes: number, maxCount: number, maxBytes: number): boolean {
    if (this.parked.head !== NONE) return false;
    return this.fits(payloadBytes, maxCount, maxBytes);
  }

  /** Takes a message as fresh work, or parked where it is to wait for room. Returns its slot. */
  add(
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    waiter: SendWaiter,
    park: boolean,
  ): number {
    if (this.free.head === NONE) this.grow();
    const slot = this.free.head;
    this.dstHi[slot] = dstHi;
    this.dstLo[slot] = dstLo;
    this.msgType[slot] = msgType;
    this.deadline[slot] = deadline;
    this.payload[slot] = payload;
    this.waiter[slot] = waiter;
    this.insertByDeadline(slot, deadline);
    if (park) this.move(slot, this.parked, PARKED);
    else this.admit(slot);
    return slot;
  }

  /** The slot to write next, or NONE. */
  peek(): number {
    return this.replay.head !== NONE ? this.replay.head : this.fresh.head;
  }

  /** True when something waits to be written. */
  get hasReady(): boolean {
    return this.replay.head !== NONE || this.fresh.head !== NONE;
  }

  /** True when nothing at all is retained, parked messages included. */
  get isEmpty(): boolean {
    return this.firstDue === NONE;
  }

  /** Notes that a slot was written, and in which list of which callis it stays until it is answered. */
  markWritten(slot: number, carried: SlotList): void {
    this.move(slot, carried, INFLIGHT);
  }

  /** Makes everything that a lost callis carried replay-ready, in the order of ids. */
  reclaim(carried: SlotList): void {
    for (let slot = carried.tail; slot !== NONE; slot = carried.tail) {
      this.unlink(slot);
      this.insertReplay(slot);
    }
  }

  /** Frees a settled slot, then lets parked messages in as far as there is room. */
  release(slot: number, maxCount: number, maxBytes: number): void {
    if (this.state[slot] !== PARKED) {
      this.count--;
      this.bytes -= this.payload[slot]!.length;
    }
    this.payload[slot] = undefined;
    this.waiter[slot] = undefined;
    this.removeDeadline(slot);
    this.move(slot, this.free, FREE);
    this.letParkedIn(maxCount, maxBytes);
  }

  /** Lets parked messages in, in their order, while they fit. */
  letParkedIn(maxCount: number, maxBytes: number): void {
    for (let slot = this.parked.head; slot !== NONE; slot = this.parked.head) {
      if (!this.fits(this.payload[slot]!.length, maxCount, maxBytes)) return;
      this.admit(slot);
    }
  }

  /** The slot with the earliest deadline, or NONE. */
  get earliest(): number {
    return this.firstDue;
  }

  /** The slot with the next later deadline, or NONE. Read it before the slot is released. */
  following(slot: number): number {
    return this.later[slot]!;
  }

  /** The slot behind this one in its list, or NONE. */
  behind(slot: number): number {
    return this.next[slot]!;
  }

  /** Was this slot ever written to a callis? */
  wasWritten(slot: number): boolean {
    return this.state[slot]! >= INFLIGHT;
  }

  private fits(payloadBytes: number, maxCount: number, maxBytes: number): boolean {
    return this.count < maxCount && (this.count === 0 || this.bytes + payloadBytes <= maxBytes);
  }

  private admit(slot: number): void {
    this.count++;
    this.bytes += this.payload[slot]!.length;
    this.move(slot, this.fresh, FRESH);
  }

  /** Replay keeps the order of first transmission: ids rise, modulo 2^32. */
  private insertReplay(slot: number): void {
    const id = this.id[slot]!;
    let after = this.replay.tail;
    while (after !== NONE && ((this.id[after]! - id) | 0) > 0) after = this.prev[after]!;
    this.state[slot] = REPLAY;
    this.link(slot, this.replay, after);
  }

  private move(slot: number, to: SlotList, state: number): void {
    this.unlink(slot);
    this.state[slot] = state;
    this.link(slot, to, to.tail);
  }

  private link(slot: number, list: SlotList, after: number): void {
    const before = after === NONE ? list.head : this.next[after]!;
    this.prev[slot] = after;
    this.next[slot] = before;
    if (after === NONE) list.head = slot;
    else this.next[after] = slot;
    if (before === NONE) list.tail = slot;
    else this.prev[before] = slot;
    this.owner[slot] = list;
  }

  private unlink(slot: number): void {
    const list = this.owner[slot]!;
    const before = this.prev[slot]!;
    const after = this.next[slot]!;
    if (before === NONE) list.head = after;
    else this.next[before] = after;
    if (after === NONE) list.tail = before;
    else this.prev[after] = before;
  }

  private insertByDeadline(slot: number, deadline: number): void {
    let before = this.lastDue;
    while (before !== NONE && this.deadline[before]! > deadline) before = this.earlier[before]!;
    const after = before === NONE ? this.firstDue : this.later[before]!;
    this.earlier[slot] = before;
    this.later[slot] = after;
    if (before === NONE) this.firstDue = slot;
    else this.later[before] = slot;
    if (after === NONE) this.lastDue = slot;
    else this.earlier[after] = slot;
  }

  private removeDeadline(slot: number): void {
    const before = this.earlier[slot]!;
    const after = this.later[slot]!;
    if (before === NONE) this.firstDue = after;
    else this.later[before] = after;
    if (after === NONE) this.lastDue = before;
    else this.earlier[after] = before;
  }

  private grow(): void {
    const old = this.state.length;
    const size = Math.max(FIRST_SLOTS, old * 2);
    this.state = widened(this.state, new Uint8Array(size));
    this.id = widened(this.id, new Uint32Array(size));
    this.dstHi = widened(this.dstHi, new Uint32Array(size));
    this.dstLo = widened(this.dstLo, new Uint32Array(size));
    this.msgType = widened(this.msgType, new Uint32Array(size));
    this.deadline = widened(this.deadline, new Float64Array(size));
    this.next = widened(this.next, new Int32Array(size));
    this.prev = widened(this.prev, new Int32Array(size));
    this.later = widened(this.later, new Int32Array(size));
    this.earlier = widened(this.earlier, new Int32Array(size));
    this.addFreeSlots(old);
  }

  private addFreeSlots(from: number): void {
    for (let slot = from; slot < this.state.length; slot++) {
      this.payload.push(undefined);
      this.waiter.push(undefined);
      this.owner.push(undefined);
      this.state[slot] = FREE;
      this.link(slot, this.free, this.free.tail);
    }
  }
}

function widened<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
