/**
 * The events to come, ordered by time and, at the same time, by the order in which they were added. A binary heap over
 * typed arrays: an event is five numbers, and none is an object.
 *
 * 1. Events of the same time leave in the order in which they came, so a run depends on nothing but its seed.
 */
const FIRST_SLOTS = 256;

export class Agenda {
  /** The event that `take` gave last. */
  time = 0;
  code = 0;
  a = 0;
  b = 0;

  /** Slots in heap order, then the free ones. */
  private heap: Int32Array = firstSlots(0, FIRST_SLOTS);
  private count = 0;
  private added = 0;
  private times: Float64Array = new Float64Array(FIRST_SLOTS);
  private order: Float64Array = new Float64Array(FIRST_SLOTS);
  private codes: Uint8Array = new Uint8Array(FIRST_SLOTS);
  private firsts: Int32Array = new Int32Array(FIRST_SLOTS);
  private seconds: Int32Array = new Int32Array(FIRST_SLOTS);

  get size(): number {
    return this.count;
  }

  /** The time of the next event, or Infinity. */
  get nextTime(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.times[this.heap[0]!]!;
  }

  add(time: number, code: number, a: number, b: number): void {
    if (this.count === this.heap.length) this.grow();
    const slot = this.heap[this.count]!;
    this.times[slot] = time;
    this.order[slot] = this.added++;
    this.codes[slot] = code;
    this.firsts[slot] = a;
    this.seconds[slot] = b;
    this.rise(this.count++, slot);
  }

  /** Moves the next event into the fields above; false when there is none. */
  take(): boolean {
    if (this.count === 0) return false;
    const { heap } = this;
    const slot = heap[0]!;
    this.time = this.times[slot]!;
    this.code = this.codes[slot]!;
    this.a = this.firsts[slot]!;
    this.b = this.seconds[slot]!;
    const last = heap[--this.count]!;
    heap[this.count] = slot;
    if (this.count > 0) this.sink(last);
    return true;
  }

  private rise(from: number, slot: number): void {
    const { heap } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(slot, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = slot;
  }

  /** Puts a slot in at the root. */
  private sink(slot: number): void {
    const { heap, count } = this;
    let at = 0;
    for (let child = 1; child < count; child = at * 2 + 1) {
      if (child + 1 < count && this.isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.isBefore(heap[child]!, slot)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = slot;
  }

  private isBefore(one: number, other: number): boolean {
    const difference = this.times[one]! - this.times[other]!;
    return difference < 0 || (difference === 0 && this.order[one]! < this.order[other]!);
  }

  private grow(): void {
    const old = this.heap.length;
    const size = old * 2;
    this.heap = widened(this.heap, firstSlots(0, size));
    this.times = widened(this.times, new Float64Array(size));
    this.order = widened(this.order, new Float64Array(size));
    this.codes = widened(this.codes, new Uint8Array(size));
    this.firsts = widened(this.firsts, new Int32Array(size));
    this.seconds = widened(this.seconds, new Int32Array(size));
  }
}

function firstSlots(from: number, size: number): Int32Array {
  return Int32Array.from({ length: size }, (_, index) => from + index);
}

function widened<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from);
  return into;
}
