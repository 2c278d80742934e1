/**
 * The two response lanes: ids to acknowledge, and ids to answer with an error (a1-delivery, retained lanes).
 * Rings that grow on demand up to the lane's capacity. An entry leaves when it is written, or after ten minutes: cleanup
 * for a peer that never comes back.
 */

/** How long a response may wait for a callis. */
export const RESPONSE_LIFETIME_MS = 600_000;

const FIRST_CELLS = 4;
// A lane that was never used holds no memory of its own.
const NO_CELLS = new Float64Array(0);

/** What an error response says beside its id. */
interface ErrorWords {
  readonly errorId: number;
  readonly text: string;
}

/** A FIFO of answered ids. At most one response for an id waits. */
export class ResponseLane {
  /** Two numbers a response: the id, and since when it waits. One array, since idle peers pay for each. */
  private cells: Float64Array = NO_CELLS;
  /** Of errors, by id. */
  private words: Map<number, ErrorWords> | undefined = undefined;
  private head = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Appends an ack; false when `limit` is reached, and then nothing is kept. */
  push(id: number, now: number, limit: number): boolean {
    if (this.count >= limit) return false;
    if (this.count === this.capacity) this.grow();
    const at = ((this.head + this.count) & (this.capacity - 1)) << 1;
    this.cells[at] = id;
    this.cells[at + 1] = now;
    this.count++;
    return true;
  }

  /** Does an error for this id wait? */
  hasError(id: number): boolean {
    return this.words?.has(id) === true;
  }

  /** Appends an error, likewise; none for its id may wait, since that one would be left without words. */
  pushError(id: number, errorId: number, text: string, now: number, limit: number): boolean {
    if (!this.push(id, now, limit)) return false;
    this.words ??= new Map();
    this.words.set(id, { errorId, text });
    return true;
  }

  /** Id of the oldest response. Only when `size` > 0, like the two below. */
  get headId(): number {
    return this.cells[this.head << 1]!;
  }

  /** 0 for an ack. */
  get headError(): number {
    return this.words?.get(this.headId)?.errorId ?? 0;
  }

  get headText(): string {
    return this.words?.get(this.headId)?.text ?? '';
  }

  /** When the oldest response expires, or Infinity. */
  get deadline(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.cells[(this.head << 1) + 1]! + RESPONSE_LIFETIME_MS;
  }

  /** Removes the oldest response. */
  shift(): void {
    this.words?.delete(this.headId);
    this.head = (this.head + 1) & (this.capacity - 1);
    this.count--;
  }

  /** The id of the response at a place, 0 for the oldest. */
  idAt(place: number): number {
    return this.cells[((this.head + place) & (this.capacity - 1)) << 1]!;
  }

  /** Puts the oldest response behind all others: another callis is to carry it. */
  toEnd(): void {
    const [from, to] = [this.head << 1, ((this.head + this.count) & (this.capacity - 1)) << 1];
    this.cells[to] = this.cells[from]!;
    this.cells[to + 1] = this.cells[from + 1]!;
    this.head = (this.head + 1) & (this.capacity - 1);
  }

  clear(): void {
    this.words?.clear();
    this.head = 0;
    this.count = 0;
  }

  private get capacity(): number {
    return this.cells.length >> 1;
  }

  private grow(): void {
    const { cells } = this;
    const grown = new Float64Array(Math.max(FIRST_CELLS << 1, cells.length * 2));
    const tail = cells.subarray(this.head << 1);
    grown.set(tail);
    grown.set(cells.subarray(0, this.head << 1), tail.length);
    this.cells = grown;
    this.head = 0;
  }
}
