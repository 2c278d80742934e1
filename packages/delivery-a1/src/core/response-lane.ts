/**
 * The two response lanes: ids to acknowledge, and ids to answer with an error (a1-delivery, retained lanes).
 * Rings that grow on demand up to the lane's capacity. An entry leaves when it is written, or after ten minutes: cleanup
 * for a peer that never comes back.
 */

/** How long a response may wait for a callis. */
export const RESPONSE_LIFETIME_MS = 600_000;

const FIRST_CELLS = 16;
// A lane that was never used holds no memory of its own.
const NO_IDS = new Uint32Array(0);
const NO_ERRORS = new Uint8Array(0);
const NO_TIMES = new Float64Array(0);

/** A FIFO of answered ids. `errorId` 0 is an ack; texts stand only where an error has one. */
export class ResponseLane {
  private ids: Uint32Array = NO_IDS;
  private errors: Uint8Array = NO_ERRORS;
  private since: Float64Array = NO_TIMES;
  private texts: Map<number, string> | undefined = undefined;
  private head = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Appends a response; false when `capacity` is reached, and then nothing is kept. */
  push(id: number, errorId: number, text: string, now: number, capacity: number): boolean {
    if (this.count >= capacity) return false;
    if (this.count === this.ids.length) this.grow();
    const cell = (this.head + this.count) & (this.ids.length - 1);
    this.ids[cell] = id;
    this.errors[cell] = errorId;
    this.since[cell] = now;
    if (text !== '') {
      this.texts ??= new Map();
      this.texts.set(id, text);
    }
    this.count++;
    return true;
  }

  /** Id of the oldest response. Only when `size` > 0, like the two below. */
  get headId(): number {
    return this.ids[this.head]!;
  }

  get headError(): number {
    return this.errors[this.head]!;
  }

  get headText(): string {
    return this.texts?.get(this.headId) ?? '';
  }

  /** When the oldest response expires, or Infinity. */
  get deadline(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.since[this.head]! + RESPONSE_LIFETIME_MS;
  }

  /** Removes the oldest response. */
  shift(): void {
    this.texts?.delete(this.headId);
    this.head = (this.head + 1) & (this.ids.length - 1);
    this.count--;
  }

  clear(): void {
    this.texts?.clear();
    this.head = 0;
    this.count = 0;
  }

  private grow(): void {
    const size = Math.max(FIRST_CELLS, this.ids.length * 2);
    const ids = new Uint32Array(size);
    const errors = new Uint8Array(size);
    const since = new Float64Array(size);
    for (let i = 0; i < this.count; i++) {
      const cell = (this.head + i) & (this.ids.length - 1);
      ids[i] = this.ids[cell]!;
      errors[i] = this.errors[cell]!;
      since[i] = this.since[cell]!;
    }
    this.ids = ids;
    this.errors = errors;
    this.since = since;
    this.head = 0;
  }
}
