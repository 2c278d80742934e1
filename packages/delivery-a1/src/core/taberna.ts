/**
 * A taberna (inbox) of this domus: the bounded queue of requests that its program has not taken yet (a1-delivery,
 * inbound messages). Shared by all peers and the domus itself. Knows no handler.
 *
 * 1. At most `tabernaAcceptQueueSize` requests and `tabernaAcceptQueueBytes` of payload wait; one request always fits.
 * 2. A payload lies in a read buffer while its turn lasts; `detach` copies what stays queued, so that a queue never pins
 *    a read buffer or sees one reused.
 * 3. A request that nobody takes within `acceptTimeout` is answered `taberna-busy`.
 */
import type { InboundBlob } from './inbound-blob.ts';
import type { RequestOrigin } from './origin.ts';
import type { DeliverySettings } from './settings.ts';

const FIRST_CELLS = 8;

/** Where a payload lies: `payload[payloadStart..payloadStart + payloadLength]`. */
export interface PayloadPlace {
  /** Plain bytes, no `Buffer`: that one's `slice` does not copy. */
  readonly payload: Uint8Array;
  readonly payloadStart: number;
  readonly payloadLength: number;
  /** True when the memory is the payload's own; false when it lies in a buffer that others use. */
  readonly payloadOwned: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** One request as it waits. Cells are pooled: nothing is allocated per request. */
export class Arrival {
  origin: RequestOrigin | undefined = undefined;
  /** Who had sent it, whoever the origin shows later. */
  sender: unknown = undefined;
  /** The life of the session that the request belongs to; an answer counts only in the same one. */
  epoch = 0;
  id = 0;
  msgType = 0;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  length = 0;
  /** The payload lies in a buffer that others use, as long as its turn lasts. */
  borrowed = false;
  acceptBy = 0;
  /** The stream that the message offers. */
  blob: InboundBlob | undefined = undefined;

  /** A view of the payload, where it lies. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length);
  }

  /** Lets go of what it held. */
  empty(): void {
    this.origin = undefined;
    this.sender = undefined;
    this.bytes = NO_BYTES;
    this.blob = undefined;
    this.length = 0;
    this.borrowed = false;
  }
}

export class Taberna {
  readonly hi: number;
  readonly lo: number;
  /** Who serves it; opaque to this layer. */
  readonly owner: unknown;
  /** True while the taberna stands in the list of those with new arrivals. */
  announced = false;
  private cells: Arrival[] = [];
  private head = 0;
  private count = 0;
  private bytes = 0;
  private borrowed = 0;
  /** False once a shorter `acceptTimeout` has broken the order of deadlines. */
  private ordered = true;

  constructor(hi: number, lo: number, owner: unknown) {
    this.hi = hi;
    this.lo = lo;
    this.owner = owner;
  }

  get waiting(): number {
    return this.count;
  }

  get waitingBytes(): number {
    return this.bytes;
  }

  /** Queues a request; false when the ingress is full, and then nothing is kept. */
  offer(
    origin: RequestOrigin,
    epoch: number,
    id: number,
    msgType: number,
    place: PayloadPlace,
    now: number,
    settings: DeliverySettings,
    blob: InboundBlob | undefined = undefined,
  ): boolean {
    const length = place.payloadLength;
    if (!this.hasRoom(length, settings)) return false;
    if (this.count === this.cells.length) this.grow();
    const acceptBy = now + settings.acceptTimeoutMs;
    if (this.count > 0 && this.at(this.count - 1).acceptBy > acceptBy) this.ordered = false;
    const cell = this.at(this.count);
    cell.origin = origin;
    cell.sender = origin.sender;
    cell.epoch = epoch;
    cell.id = id;
    cell.msgType = msgType;
    cell.bytes = place.payload;
    cell.start = place.payloadStart;
    cell.length = length;
    cell.borrowed = !place.payloadOwned;
    cell.acceptBy = acceptBy;
    cell.blob = blob;
    if (cell.borrowed) this.borrowed++;
    this.count++;
    this.bytes += length;
    return true;
  }

  /** Would a request with a payload of so many bytes be taken? */
  hasRoom(length: number, settings: DeliverySettings): boolean {
    if (this.count >= settings.tabernaAcceptQueueSize) return false;
    return this.count === 0 || this.bytes + length <= settings.tabernaAcceptQueueBytes;
  }

  /** The oldest request, or undefined. Read it, then `drop` it: the cell is used again. */
  peek(): Arrival | undefined {
    return this.count === 0 ? undefined : this.cells[this.head];
  }

  /** Removes the oldest request. */
  drop(): void {
    const cell = this.cells[this.head]!;
    this.bytes -= cell.length;
    this.count--;
    if (cell.borrowed) this.borrowed--;
    cell.empty();
    this.head = (this.head + 1) & (this.cells.length - 1);
    if (this.count === 0) {
      this.ordered = true;
      this.head = 0;
    }
  }

  /** Ends a turn: copies the payloads that lie in read buffers and stay queued. */
  detach(): void {
    for (let i = this.count - 1; this.borrowed > 0 && i >= 0; i--) {
      const cell = this.at(i);
      if (!cell.borrowed) continue;
      cell.bytes = new Uint8Array(cell.payload);
      cell.start = 0;
      cell.borrowed = false;
      this.borrowed--;
    }
  }

  /** The earliest time at which a waiting request expires, or Infinity. */
  get deadline(): number {
    if (this.count === 0) return Number.POSITIVE_INFINITY;
    if (this.ordered) return this.cells[this.head]!.acceptBy;
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) earliest = Math.min(earliest, this.at(i).acceptBy);
    return earliest;
  }

  /**
   * Takes out, in order, every request for which `leaves` says so, and then tells each to `told`: what is told may queue a request in
   * a place that became free.
   */
  remove(leaves: (arrival: Arrival) => boolean, told: (arrival: Arrival) => void): void {
    const gone: Arrival[] = [];
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const cell = this.at(i);
      if (leaves(cell)) {
        gone.push(cell);
        this.cells[(this.head + i) & (this.cells.length - 1)] = new Arrival();
        this.bytes -= cell.length;
        if (cell.borrowed) this.borrowed--;
      } else {
        this.swap(kept++, i);
      }
    }
    this.count = kept;
    if (kept === 0) this.ordered = true;
    for (const cell of gone) told(cell);
  }

  private at(index: number): Arrival {
    return this.cells[(this.head + index) & (this.cells.length - 1)]!;
  }

  private swap(a: number, b: number): void {
    if (a === b) return;
    const mask = this.cells.length - 1;
    const first = (this.head + a) & mask;
    const second = (this.head + b) & mask;
    const cell = this.cells[first]!;
    this.cells[first] = this.cells[second]!;
    this.cells[second] = cell;
  }

  private grow(): void {
    const cells: Arrival[] = [];
    for (let i = 0; i < this.count; i++) cells.push(this.at(i));
    const size = Math.max(FIRST_CELLS, this.count * 2);
    while (cells.length < size) cells.push(new Arrival());
    this.cells = cells;
    this.head = 0;
  }
}
