/**
 * A retained lane: the bounded queue of tracked messages (A2 or A3) of one peer session (a1-delivery, retained lanes).
 * Owns every message from the moment A1 takes it until it is settled. Knows no callis and no clock.
 *
 * 1. A slot is free, parked, fresh or ready for replay, each a list; or in flight, counted by the callis that carried it.
 * 2. Selection: replay before fresh, FIFO in each; what a lost callis carried returns in the order of its ids.
 * 3. All slots in use stand in one list ordered by deadline. Insertion at its end is the rule, since the timeout is one
 *    value; only after it was lowered does an insertion walk.
 * 4. Parked messages wait for room (`whenFull: 'wait'`) and count neither as messages nor as bytes of the lane.
 *
 * Every list but that of free slots is a ring through a slot that stands for the list itself, so that a slot leaves without
 * knowing its list. The numbers of a slot lie side by side, half a cache line of them. Nothing is allocated per message, and
 * nothing at all before the first one.
 */

import type { OutboundBlob } from './outbound-blob.ts';
import type { SendWaiter } from './send-waiter.ts';

/** Where a slot stands. */
export const FREE = 0;
export const PARKED = 1;
export const FRESH = 2;
export const INFLIGHT = 3;
export const REPLAY = 4;

/** No slot. */
export const NONE = -1;

// The lists that every lane has, by the slots that stand for them. `DUE` is the one through LATER and EARLIER.
const PARKED_LIST = 0;
const FRESH_LIST = 1;
const REPLAY_LIST = 2;
const DUE = 0;
const LISTS = 3;

// The numbers of a slot: `cells[slot * 8 + NEXT]`.
const NEXT = 0;
const PREV = 1;
const LATER = 2;
const EARLIER = 3;
const ID = 4;
const DST_HI = 5;
const DST_LO = 6;
const MSG_TYPE = 7;
const SHIFT = 3;

const FIRST_SLOTS = 8;
// A lane that was never used holds no memory of its own: all share these, which are only read.
const NO_SLOTS = emptyLists(LISTS);
const NO_STATES = new Uint8Array(LISTS);
const NO_DEADLINES = new Float64Array(LISTS);
const NO_PAYLOADS: (Uint8Array | undefined)[] = [];
const NO_WAITERS: (SendWaiter | undefined)[] = [];
const NO_CARRIERS: (Carried | undefined)[] = [];

/** How many messages, of whatever lane, a callis has carried that nobody has answered. */
export class Carried {
  count = 0;
}

export class Lane {
  /** Messages that count against the limit: all in use but the parked. */
  count = 0;
  /** Payload bytes that count against the limit. */
  bytes = 0;
  /** Of the messages, those that were never written, and their payload bytes. */
  freshCount = 0;
  freshBytes = 0;

  state: Uint8Array = NO_STATES;
  deadline: Float64Array = NO_DEADLINES;
  payload: (Uint8Array | undefined)[] = NO_PAYLOADS;
  /** The blob streams that messages open, by their slots; undefined in a lane that never had one. */
  openers: Map<number, OutboundBlob> | undefined = undefined;
  waiter: (SendWaiter | undefined)[] = NO_WAITERS;
  /** Of slots in flight. */
  private carrier: (Carried | undefined)[] = NO_CARRIERS;
  private cells: Int32Array = NO_SLOTS;
  /** The slot that was free for longest, and the one that became free last: neighbours stay neighbours. */
  private firstFree = NONE;
  private lastFree = NONE;
  private maxCount: number;
  private maxBytes: number;

  constructor(maxCount: number, maxBytes: number) {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
  }

  /** Messages that it may hold. */
  get limit(): number {
    return this.maxCount;
  }

  /** New limits let parked messages in as far as there is room now; lower ones evict nothing. */
  setLimits(maxCount: number, maxBytes: number): void {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
    this.letParkedIn();
  }

  /** Would a message of this size be taken now? One message always fits; parked ones come first. */
  hasRoom(payloadBytes: number): boolean {
    return this.first(PARKED_LIST) === NONE && this.fits(payloadBytes);
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
    const slot = this.takeFree();
    const { cells } = this;
    const at = slot << SHIFT;
    cells[at + DST_HI] = dstHi;
    cells[at + DST_LO] = dstLo;
    cells[at + MSG_TYPE] = msgType;
    this.deadline[slot] = deadline;
    this.payload[slot] = payload;
    this.waiter[slot] = waiter;
    this.insertByDeadline(slot, deadline);
    if (park) this.append(slot, PARKED_LIST, PARKED);
    else this.admit(slot, payload.length);
    return slot;
  }

  /** The slot to write next, or NONE. */
  peek(): number {
    const { cells } = this;
    const replay = cells[(REPLAY_LIST << SHIFT) + NEXT]!;
    if (replay !== REPLAY_LIST) return replay;
    const fresh = cells[(FRESH_LIST << SHIFT) + NEXT]!;
    return fresh === FRESH_LIST ? NONE : fresh;
  }

  /** True when something waits to be written. */
  get hasReady(): boolean {
    return this.peek() !== NONE;
  }

  /** True when nothing at all is retained, parked messages included. */
  get isEmpty(): boolean {
    return this.cells[(DUE << SHIFT) + LATER] === DUE;
  }

  /** The id that a slot travels under; 0 before it has one. */
  idOf(slot: number): number {
    return this.cells[(slot << SHIFT) + ID]! >>> 0;
  }

  setId(slot: number, id: number): void {
    this.cells[(slot << SHIFT) + ID] = id;
  }

  dstHi(slot: number): number {
    return this.cells[(slot << SHIFT) + DST_HI]! >>> 0;
  }

  dstLo(slot: number): number {
    return this.cells[(slot << SHIFT) + DST_LO]! >>> 0;
  }

  msgType(slot: number): number {
    return this.cells[(slot << SHIFT) + MSG_TYPE]! >>> 0;
  }

  /** Notes that a slot was written, and who carries it until it is answered. */
  markWritten(slot: number, carried: Carried): void {
    if (this.state[slot] === FRESH) this.noLongerFresh(slot);
    this.unlink(slot);
    this.state[slot] = INFLIGHT;
    this.carrier[slot] = carried;
    carried.count++;
  }

  /** Makes everything that a lost callis carried of this lane ready for replay, in the order of ids. */
  reclaim(carried: Carried): void {
    if (carried.count === 0) return;
    for (let slot = this.earliest; slot !== NONE; slot = this.following(slot)) {
      if (this.carrier[slot] !== carried) continue;
      this.noLongerCarried(slot, carried);
      this.insertReplay(slot);
    }
  }

  /** Does a callis carry, of this lane, a payload of `fromBytes` or more with a deadline no later than `until`? */
  holdsLarge(carried: Carried, fromBytes: number, until: number): boolean {
    if (carried.count === 0) return false;
    for (let slot = this.earliest; slot !== NONE && this.deadline[slot]! <= until; slot = this.following(slot)) {
      if (this.carrier[slot] === carried && this.payload[slot]!.length >= fromBytes) return true;
    }
    return false;
  }

  /** Frees a settled slot, then lets parked messages in as far as there is room. */
  release(slot: number): void {
    if (this.state[slot] === FRESH) this.noLongerFresh(slot);
    if (this.state[slot] !== PARKED) {
      this.count--;
      this.bytes -= this.payload[slot]!.length;
    }
    this.payload[slot] = undefined;
    this.waiter[slot] = undefined;
    if (this.openers !== undefined) this.openers.delete(slot);
    this.removeDeadline(slot);
    const carried = this.carrier[slot];
    if (carried === undefined) this.unlink(slot);
    else this.noLongerCarried(slot, carried);
    this.free(slot);
    this.letParkedIn();
  }

  /** The slot with the earliest deadline, or NONE. */
  get earliest(): number {
    const slot = this.cells[(DUE << SHIFT) + LATER]!;
    return slot === DUE ? NONE : slot;
  }

  /** The slot with the next later deadline, or NONE. Read it before the slot is released. */
  following(slot: number): number {
    const later = this.cells[(slot << SHIFT) + LATER]!;
    return later === DUE ? NONE : later;
  }

  /** Was this slot ever written to a callis? */
  wasWritten(slot: number): boolean {
    return this.state[slot]! >= INFLIGHT;
  }

  /** Lets parked messages in, in their order, while they fit. */
  private letParkedIn(): void {
    for (let slot = this.first(PARKED_LIST); slot !== NONE; slot = this.first(PARKED_LIST)) {
      const { length } = this.payload[slot]!;
      if (!this.fits(length)) return;
      this.unlink(slot);
      this.admit(slot, length);
    }
  }

  private fits(payloadBytes: number): boolean {
    return this.count < this.maxCount && (this.count === 0 || this.bytes + payloadBytes <= this.maxBytes);
  }

  private admit(slot: number, payloadBytes: number): void {
    this.count++;
    this.bytes += payloadBytes;
    this.freshCount++;
    this.freshBytes += payloadBytes;
    this.append(slot, FRESH_LIST, FRESH);
  }

  private noLongerFresh(slot: number): void {
    this.freshCount--;
    this.freshBytes -= this.payload[slot]!.length;
  }

  private noLongerCarried(slot: number, carried: Carried): void {
    carried.count--;
    this.carrier[slot] = undefined;
  }

  /** Replay keeps the order of first transmission: ids rise, modulo 2^32. */
  private insertReplay(slot: number): void {
    const id = this.idOf(slot);
    let after = this.cells[(REPLAY_LIST << SHIFT) + PREV]!;
    while (after !== REPLAY_LIST && ((this.idOf(after) - id) | 0) > 0) after = this.cells[(after << SHIFT) + PREV]!;
    this.state[slot] = REPLAY;
    this.linkBehind(slot, after);
  }

  // --- lists -----------------------------------------------------------------------------------------------------

  private first(list: number): number {
    const slot = this.cells[(list << SHIFT) + NEXT]!;
    return slot === list ? NONE : slot;
  }

  private append(slot: number, list: number, state: number): void {
    this.state[slot] = state;
    this.linkBehind(slot, this.cells[(list << SHIFT) + PREV]!);
  }

  private linkBehind(slot: number, after: number): void {
    const { cells } = this;
    const next = cells[(after << SHIFT) + NEXT]!;
    cells[(slot << SHIFT) + NEXT] = next;
    cells[(slot << SHIFT) + PREV] = after;
    cells[(after << SHIFT) + NEXT] = slot;
    cells[(next << SHIFT) + PREV] = slot;
  }

  private unlink(slot: number): void {
    const { cells } = this;
    const next = cells[(slot << SHIFT) + NEXT]!;
    const prev = cells[(slot << SHIFT) + PREV]!;
    cells[(prev << SHIFT) + NEXT] = next;
    cells[(next << SHIFT) + PREV] = prev;
  }

  private insertByDeadline(slot: number, deadline: number): void {
    const { cells } = this;
    let before = cells[(DUE << SHIFT) + EARLIER]!;
    while (before !== DUE && this.deadline[before]! > deadline) before = cells[(before << SHIFT) + EARLIER]!;
    const after = cells[(before << SHIFT) + LATER]!;
    cells[(slot << SHIFT) + LATER] = after;
    cells[(slot << SHIFT) + EARLIER] = before;
    cells[(before << SHIFT) + LATER] = slot;
    cells[(after << SHIFT) + EARLIER] = slot;
  }

  private removeDeadline(slot: number): void {
    const { cells } = this;
    const later = cells[(slot << SHIFT) + LATER]!;
    const earlier = cells[(slot << SHIFT) + EARLIER]!;
    cells[(earlier << SHIFT) + LATER] = later;
    cells[(later << SHIFT) + EARLIER] = earlier;
  }

  // --- memory ----------------------------------------------------------------------------------------------------

  private takeFree(): number {
    if (this.firstFree === NONE) this.grow();
    const slot = this.firstFree;
    this.firstFree = this.cells[(slot << SHIFT) + NEXT]!;
    return slot;
  }

  private free(slot: number): void {
    const { cells } = this;
    this.state[slot] = FREE;
    cells[(slot << SHIFT) + NEXT] = NONE;
    if (this.firstFree === NONE) this.firstFree = slot;
    else cells[(this.lastFree << SHIFT) + NEXT] = slot;
    this.lastFree = slot;
  }

  private grow(): void {
    const old = this.state.length;
    const size = old === LISTS ? FIRST_SLOTS : old * 2;
    this.cells = widened(this.cells, new Int32Array(size << SHIFT));
    this.state = widened(this.state, new Uint8Array(size));
    this.deadline = widened(this.deadline, new Float64Array(size));
    if (old === LISTS) {
      this.payload = [];
      this.waiter = [];
      this.carrier = [];
    }
    while (this.payload.length < size) {
      this.payload.push(undefined);
      this.waiter.push(undefined);
      this.carrier.push(undefined);
    }
    for (let slot = old; slot < size; slot++) this.free(slot);
  }
}

/** Slots that stand for lists, and nothing in them. */
function emptyLists(count: number): Int32Array {
  const cells = new Int32Array(count << SHIFT);
  for (let list = 0; list < count; list++) cells.fill(list, list << SHIFT, (list << SHIFT) + ID);
  return cells;
}

function widened<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
