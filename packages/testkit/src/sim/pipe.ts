/**
 * One direction of a virtual connection: a FIFO of bytes, each with the time at which it may arrive, and the end that
 * stands behind the last of them. Owns the bytes in flight.
 *
 * 1. Bytes leave in the order in which they were written; none is invented, and a cut only drops from the tail.
 * 2. A chunk that was given out is its reader's own.
 */
import { copyBytes } from './copy-bytes.ts';

const FIRST_BYTES = 1024;
const FIRST_MARKS = 8;
const NO_BYTES = Buffer.alloc(0);
const NO_MARKS = new Float64Array(0);
const NO_VIEW = viewOf(NO_BYTES);

export class Pipe<Reader> {
  /** Where the bytes arrive. */
  readonly to: Reader;
  buffer: Buffer = NO_BYTES;
  view: DataView = NO_VIEW;
  /** Bytes in flight lie at `head..tail` of the buffer. */
  head = 0;
  tail = 0;
  /** Bytes ever written and ever given out. */
  written = 0;
  delivered = 0;
  /** When the newest byte may arrive; arrivals never overtake each other. */
  lastArrival = 0;
  /** The writer has ended this direction, or it was cut: nothing comes behind what is in flight. */
  ending: 'none' | 'orderly' | 'reset' = 'none';
  /** The end behind the last byte was told. */
  ended = false;
  /** Nobody reads here any more: what arrives is dropped. */
  unread = false;
  /** Nothing arrives any more, and nobody is told: one direction of a half-open connection. */
  dark = false;
  /** Its reader does not read before this time. */
  stalledUntil = 0;
  /** An event is on the agenda that will look at this pipe. */
  scheduled = false;
  /** The writer was told that it is blocked. */
  isBlocked = false;
  /** What the oracle keeps of what is on its way. */
  cargo: unknown = undefined;

  /** One mark per write: how far it reaches (as `written` counts) and when it may arrive. */
  private markEnds: Float64Array = NO_MARKS;
  private markTimes: Float64Array = NO_MARKS;
  private firstMark = 0;
  private marks = 0;

  constructor(to: Reader) {
    this.to = to;
  }

  get inFlight(): number {
    return this.tail - this.head;
  }

  /** Appends the first `length` bytes of `bytes`, which may arrive at `arrival`. */
  write(bytes: Uint8Array, length: number, arrival: number): void {
    this.reserve(length);
    copyBytes(bytes, 0, length, this.buffer, this.tail);
    this.tail += length;
    this.written += length;
    this.lastArrival = Math.max(this.lastArrival, arrival);
    this.mark(this.written, this.lastArrival);
  }

  /** When the next bytes, or the end behind them, may arrive; Infinity where nothing is to come. */
  get nextArrival(): number {
    if (this.marks > 0) return this.markTimes[this.firstMark & (this.markTimes.length - 1)]!;
    return this.ending !== 'none' && !this.ended ? this.lastArrival : Number.POSITIVE_INFINITY;
  }

  /** Takes at most `most` of the bytes that have arrived by `time`; `isAlone`: in an ArrayBuffer of their own. */
  take(time: number, most: number, isAlone: boolean): Buffer {
    const mask = this.markTimes.length - 1;
    const limit = this.delivered + most;
    let reach = this.delivered;
    while (this.marks > 0 && reach < limit && this.markTimes[this.firstMark & mask]! <= time) {
      const end = this.markEnds[this.firstMark & mask]!;
      reach = Math.min(end, limit);
      if (reach < end) break;
      this.firstMark++;
      this.marks--;
    }
    const from = this.head;
    this.head += reach - this.delivered;
    this.delivered = reach;
    if (this.head === from) return NO_BYTES;
    const length = this.head - from;
    const chunk = isAlone ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length);
    copyBytes(this.buffer, from, this.head, chunk, 0);
    return chunk;
  }

  /** Drops what is in flight but for its first `kept` bytes. */
  truncate(kept: number): void {
    if (kept >= this.inFlight) return;
    const mask = this.markTimes.length - 1;
    this.tail = this.head + kept;
    this.written = this.delivered + kept;
    const isCovered = (back: number): boolean =>
      (back > 1 ? this.markEnds[(this.firstMark + back - 2) & mask]! : this.delivered) >= this.written;
    while (this.marks > 0 && isCovered(this.marks)) this.marks--;
    if (this.marks > 0) this.markEnds[(this.firstMark + this.marks - 1) & mask] = this.written;
  }

  private mark(end: number, time: number): void {
    if (this.marks === this.markTimes.length) this.growMarks();
    const cell = (this.firstMark + this.marks++) & (this.markTimes.length - 1);
    this.markEnds[cell] = end;
    this.markTimes[cell] = time;
  }

  private growMarks(): void {
    const old = this.markTimes.length;
    const ends = new Float64Array(Math.max(FIRST_MARKS, old * 2));
    const times = new Float64Array(ends.length);
    for (let i = 0; i < old; i++) {
      ends[i] = this.markEnds[(this.firstMark + i) & (old - 1)]!;
      times[i] = this.markTimes[(this.firstMark + i) & (old - 1)]!;
    }
    this.markEnds = ends;
    this.markTimes = times;
    this.firstMark = 0;
  }

  /** Makes room behind the tail: moves what is in flight to the front, or into a larger buffer. */
  private reserve(bytes: number): void {
    if (this.head === this.tail) {
      this.head = 0;
      this.tail = 0;
    }
    if (this.buffer.length - this.tail >= bytes) return;
    const { inFlight } = this;
    if (this.buffer.length >= 2 * (inFlight + bytes)) {
      this.buffer.copyWithin(0, this.head, this.tail);
    } else {
      const grown = Buffer.allocUnsafe(Math.max(2 * (inFlight + bytes), 2 * this.buffer.length, FIRST_BYTES));
      this.buffer.copy(grown, 0, this.head, this.tail);
      this.buffer = grown;
      this.view = viewOf(grown);
    }
    this.head = 0;
    this.tail = inFlight;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
