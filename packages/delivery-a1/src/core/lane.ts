/**
 * A retained lane: the bounded queue of tracked messages (A2 or A3) of one peer session (a1-delivery, retained lanes).
 * Owns every message from the moment A1 takes it until it is settled. Knows no callis and no clock.
 *
 * Long on purpose: slots, ring and deadlines of a message change together, at each of its steps.
 *
 * 1. All messages stand in one ring, in the order in which they came: first those that were written, then the fresh ones, then
 *    those that wait for room (`whenFull: 'wait'`) and count neither as messages nor as bytes of the lane. Fresh ones are written
 *    in this order, so it is the order of ids as well.
 * 2. Selection: replay before fresh, each in the order of the ring; what a lost callis carried returns to its own place.
 * 3. A message that settles leaves a gap. The ring is twice as long as the lane has slots, and closes its gaps when it is full:
 *    at least half of it is gaps then, however long one message stays.
 * 4. Deadlines rise along the ring, as a rule, since the timeout is one value. While they do not, the earliest is known as a bound
 *    from below, and what is due is searched for.
 *
 * The numbers of a slot lie side by side, half a cache line of them. Nothing is allocated per message, and nothing at all before
 * the first one.
 */

import type { OutboundBlob } from './outbound-blob.ts';
import type { SendWaiter } from './send-waiter.ts';

/** What a slot is. */
export const FREE = 0;
export const PARKED = 1;
export const FRESH = 2;
export const INFLIGHT = 3;
export const REPLAY = 4;

/** No slot. */
export const NONE = -1;

const NEVER = Number.POSITIVE_INFINITY;

// The numbers of a slot: `cells[slot * 8 + ID]`. The place of a free one is the slot that is free next.
const STATE = 0;
const PLACE = 1;
const ID = 2;
const DST_HI = 3;
const DST_LO = 4;
const MSG_TYPE = 5;
const BYTES = 6;
const SHIFT = 3;

const FIRST_SLOTS = 8;
/** Places wrap soon in the life of each lane, so that the wrap is nothing rare. */
const FIRST_PLACE = 2 ** 31 - 64;
// A lane that was never used holds no memory of its own: all share these, which are only read.
const NO_NUMBERS = new Int32Array(0);
const NO_DEADLINES = new Float64Array(0);
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

  deadline: Float64Array = NO_DEADLINES;
  payload: (Uint8Array | undefined)[] = NO_PAYLOADS;
  /** The blob streams that messages open, by their slots; undefined in a lane that never had one. */
  openers: Map<number, OutboundBlob> | undefined = undefined;
  waiter: (SendWaiter | undefined)[] = NO_WAITERS;
  /** Of slots in flight. */
  private carrier: (Carried | undefined)[] = NO_CARRIERS;
  private cells: Int32Array = NO_NUMBERS;
  /** The slot that was free for longest, and the one that became free last: neighbours stay neighbours. */
  private firstFree = NONE;
  private lastFree = NONE;

  /** The slots by their places, `NONE` where one has left. Places go on rising, and wrap at 2^31. */
  private ring: Int32Array = NO_NUMBERS;
  /** The places of the first slot that is in use, that was never written, that is parked; `end` where there is none. */
  private oldest = FIRST_PLACE;
  private nextFresh = FIRST_PLACE;
  private nextParked = FIRST_PLACE;
  /** Where the next message goes. */
  private end = FIRST_PLACE;
  /** Messages ready for replay, and the place of the first of them. */
  private replays = 0;
  private nextReplay = FIRST_PLACE;

  /** Deadlines rise along the ring. */
  private isSorted = true;
  /** The deadline of the message that came last; only while sorted. */
  private latest = -NEVER;
  /** No deadline is earlier; only while not sorted. */
  private bound = NEVER;
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
    return this.nextParked === this.end && this.fits(payloadBytes);
  }

  /** Takes a message as fresh work, where `hasRoom` said so, or parked where it is to wait for room. Returns its slot. */
  add(
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    waiter: SendWaiter,
    park: boolean,
  ): number {
    if (this.firstFree === NONE) this.grow();
    if (((this.end - this.oldest) | 0) === this.ring.length) this.closeGaps();
    if (deadline < this.latest) this.notSorted(deadline);
    else this.latest = deadline;
    const slot = this.firstFree;
    const { cells, end } = this;
    const at = slot << SHIFT;
    this.firstFree = cells[at + PLACE]!;
    cells[at + STATE] = PARKED;
    cells[at + PLACE] = end;
    cells[at + DST_HI] = dstHi;
    cells[at + DST_LO] = dstLo;
    cells[at + MSG_TYPE] = msgType;
    cells[at + BYTES] = payload.length;
    this.deadline[slot] = deadline;
    this.payload[slot] = payload;
    this.waiter[slot] = waiter;
    this.ring[end & (this.ring.length - 1)] = slot;
    this.end = (end + 1) | 0;
    if (!park) {
      this.admit(at);
      this.nextParked = this.end;
    }
    return slot;
  }

  /** The slot to write next, or NONE. */
  peek(): number {
    if (this.replays > 0) return this.at(this.nextReplay);
    return this.nextFresh === this.nextParked ? NONE : this.at(this.nextFresh);
  }

  /** True when something waits to be written. */
  get hasReady(): boolean {
    return this.replays > 0 || this.nextFresh !== this.nextParked;
  }

  /** True when nothing at all is retained, parked messages included. */
  get isEmpty(): boolean {
    return this.oldest === this.end;
  }

  stateOf(slot: number): number {
    return this.cells[(slot << SHIFT) + STATE]!;
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

  /** Was this slot ever written to a callis? */
  wasWritten(slot: number): boolean {
    return this.stateOf(slot) >= INFLIGHT;
  }

  /** Notes that the slot that `peek` gave was written, and who carries it until it is answered. */
  markWritten(slot: number, carried: Carried): void {
    const { cells } = this;
    const at = slot << SHIFT;
    const place = cells[at + PLACE]!;
    if (cells[at + STATE] === REPLAY) {
      this.noLongerReplay(place);
    } else {
      this.noLongerFresh(at);
      this.nextFresh = this.taken((place + 1) | 0);
    }
    cells[at + STATE] = INFLIGHT;
    this.carrier[slot] = carried;
    carried.count++;
  }

  /** Makes everything that a lost callis carried of this lane ready for replay. */
  reclaim(carried: Carried): void {
    if (carried.count === 0) return;
    for (const slot of this.slots()) {
      if (this.carrier[slot] !== carried) continue;
      this.noLongerCarried(slot, carried);
      const at = slot << SHIFT;
      this.cells[at + STATE] = REPLAY;
      const place = this.cells[at + PLACE]!;
      if (this.replays === 0 || ((place - this.nextReplay) | 0) < 0) this.nextReplay = place;
      this.replays++;
    }
  }

  /** Does this callis carry the slot, and no other? */
  isCarried(slot: number, carried: Carried): boolean {
    return this.carrier[slot] === carried;
  }

  /** Frees a settled slot, then lets parked messages in as far as there is room. */
  release(slot: number): void {
    const at = slot << SHIFT;
    const place = this.cells[at + PLACE]!;
    const state = this.cells[at + STATE]!;
    if (state === FRESH) this.noLongerFresh(at);
    else if (state === INFLIGHT) this.noLongerCarried(slot, this.carrier[slot]!);
    if (state !== PARKED) {
      this.count--;
      this.bytes -= this.cells[at + BYTES]!;
    }
    this.payload[slot] = undefined;
    this.waiter[slot] = undefined;
    if (this.openers !== undefined) this.openers.delete(slot);
    this.ring[place & (this.ring.length - 1)] = NONE;
    if (state === REPLAY) this.noLongerReplay(place);
    if (place === this.oldest) this.oldest = this.taken(place);
    if (place === this.nextFresh) this.nextFresh = this.taken(place);
    if (place === this.nextParked) this.nextParked = this.taken(place);
    if (this.isEmpty) this.sorted(-NEVER);
    this.free(slot);
    this.letParkedIn();
  }

  /** No message is due earlier. Infinity in an empty lane. */
  get earliestDeadline(): number {
    if (!this.isSorted) return this.bound;
    return this.isEmpty ? NEVER : this.deadline[this.at(this.oldest)]!;
  }

  /** The slots that are due, by their deadlines. All of them are to be released. */
  dueBy(now: number): number[] {
    const due: number[] = [];
    if (this.earliestDeadline > now) return due;
    if (!this.isSorted) return this.searchDue(now);
    for (let place = this.oldest; place !== this.end; place = this.taken((place + 1) | 0)) {
      const slot = this.at(place);
      if (this.deadline[slot]! > now) break;
      due.push(slot);
    }
    return due;
  }

  /** All slots in use, in the order of the ring. */
  slots(): number[] {
    const slots: number[] = [];
    for (let place = this.oldest; place !== this.end; place = this.taken((place + 1) | 0)) slots.push(this.at(place));
    return slots;
  }

  /** Lets parked messages in, in their order, while they fit. */
  private letParkedIn(): void {
    while (this.nextParked !== this.end) {
      const at = this.at(this.nextParked) << SHIFT;
      if (!this.fits(this.cells[at + BYTES]!)) return;
      this.admit(at);
      this.nextParked = this.taken((this.nextParked + 1) | 0);
    }
  }

  private fits(payloadBytes: number): boolean {
    return this.count < this.maxCount && (this.count === 0 || this.bytes + payloadBytes <= this.maxBytes);
  }

  private admit(at: number): void {
    const payloadBytes = this.cells[at + BYTES]!;
    this.cells[at + STATE] = FRESH;
    this.count++;
    this.bytes += payloadBytes;
    this.freshCount++;
    this.freshBytes += payloadBytes;
  }

  private noLongerFresh(at: number): void {
    this.freshCount--;
    this.freshBytes -= this.cells[at + BYTES]!;
  }

  private noLongerCarried(slot: number, carried: Carried): void {
    carried.count--;
    this.carrier[slot] = undefined;
  }

  /** What stood at this place is no more ready for replay. */
  private noLongerReplay(place: number): void {
    this.replays--;
    if (this.replays === 0 || place !== this.nextReplay) return;
    let next = place;
    do next = this.taken((next + 1) | 0);
    while (next !== this.nextFresh && this.stateOf(this.at(next)) !== REPLAY);
    this.nextReplay = next;
  }

  // --- the ring --------------------------------------------------------------------------------------------------

  private at(place: number): number {
    return this.ring[place & (this.ring.length - 1)]!;
  }

  /** The first place from here on where a slot stands, or `end`. */
  private taken(place: number): number {
    let next = place;
    while (next !== this.end && this.at(next) === NONE) next = (next + 1) | 0;
    return next;
  }

  /** Moves all slots to the beginning of the ring. */
  private closeGaps(): void {
    const { nextFresh, nextParked, nextReplay, replays } = this;
    const slots = this.slots();
    const [fresh, parked] = [this.slotAt(nextFresh), this.slotAt(nextParked)];
    const replay = replays === 0 ? NONE : this.at(nextReplay);
    let place = this.oldest;
    for (const slot of slots) {
      this.ring[place & (this.ring.length - 1)] = slot;
      this.cells[(slot << SHIFT) + PLACE] = place;
      place = (place + 1) | 0;
    }
    this.end = place;
    this.nextFresh = this.placeOf(fresh);
    this.nextParked = this.placeOf(parked);
    this.nextReplay = this.placeOf(replay);
  }

  private slotAt(place: number): number {
    return place === this.end ? NONE : this.at(place);
  }

  private placeOf(slot: number): number {
    return slot === NONE ? this.end : this.cells[(slot << SHIFT) + PLACE]!;
  }

  // --- deadlines -------------------------------------------------------------------------------------------------

  private sorted(latest: number): void {
    this.isSorted = true;
    this.latest = latest;
  }

  /** A message comes with an earlier deadline than the last one. */
  private notSorted(deadline: number): void {
    this.bound = Math.min(this.earliestDeadline, deadline);
    this.isSorted = false;
  }

  private searchDue(now: number): number[] {
    const { deadline } = this;
    const slots = this.slots();
    const rest = slots.filter((slot) => deadline[slot]! > now);
    this.bound = rest.reduce((least, slot) => Math.min(least, deadline[slot]!), NEVER);
    if (rest.every((slot, i) => i === 0 || deadline[rest[i - 1]!]! <= deadline[slot]!)) {
      this.sorted(rest.length === 0 ? -NEVER : deadline[rest.at(-1)!]!);
    }
    return slots.filter((slot) => deadline[slot]! <= now).sort((a, b) => deadline[a]! - deadline[b]!);
  }

  // --- memory ----------------------------------------------------------------------------------------------------

  private free(slot: number): void {
    const { cells } = this;
    const at = slot << SHIFT;
    cells[at + STATE] = FREE;
    cells[at + PLACE] = NONE;
    if (this.firstFree === NONE) this.firstFree = slot;
    else cells[(this.lastFree << SHIFT) + PLACE] = slot;
    this.lastFree = slot;
  }

  private grow(): void {
    const old = this.deadline.length;
    const size = Math.max(FIRST_SLOTS, old * 2);
    this.cells = widened(this.cells, new Int32Array(size << SHIFT));
    this.deadline = widened(this.deadline, new Float64Array(size));
    if (old === 0) {
      this.payload = [];
      this.waiter = [];
      this.carrier = [];
    }
    while (this.payload.length < size) {
      this.payload.push(undefined);
      this.waiter.push(undefined);
      this.carrier.push(undefined);
    }
    const ring = new Int32Array(size * 2);
    for (let place = this.oldest; place !== this.end; place = (place + 1) | 0)
      ring[place & (ring.length - 1)] = this.at(place);
    this.ring = ring;
    for (let slot = old; slot < size; slot++) this.free(slot);
  }
}

function widened<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
