/**
 * The receiving end of a blob stream: which chunks have come, which were read, and which acks are withheld (a1-blobs,
 * receiver). Knows no callis; `InboundHost` carries what it says.
 *
 * 1. Held chunks plus chunks that the sender may still send never exceed the window: a chunk is acked when its bytes were
 *    read, or when every chunk has arrived, and the host has room for the ack.
 * 2. The program gets the bytes in order, each once, whatever the borders of chunks.
 * 3. A chunk that may not come fails this stream only.
 * 4. `over` and `failed` are terminal for the wire; what has arrived may still be read after `over`.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import type { Landing } from '../wire/landing.ts';
import type { Reservation } from './blob-budget.ts';
import type { BlobNumbers } from './blob-numbers.ts';
import { BlobStore, type ChunkStore } from './blob-store.ts';
import { PieceStore } from './piece-store.ts';
import type { SendFailure } from './send-waiter.ts';
import type { CoreSink } from './sink.ts';

const NEVER = Number.POSITIVE_INFINITY;

const VIOLATION = ERROR_IDS['protocol-violation'];
const WINDOW_EXCEEDED = ERROR_IDS['blob-ack-window-exceeded'];
const MISSING_CHUNK = ERROR_IDS['blob-stream-missing-chunk'];
const BUFFER_FULL = ERROR_IDS['blob-buffer-full'];

export type InboundState =
  /** The handler has not decided about the message that opens it. */
  | 'offered'
  /** Accepted; a blob callis is awaited. */
  | 'accepted'
  | 'open'
  /** Every chunk has arrived, and the sender knows. */
  | 'over'
  | 'failed';

/** What carries a stream: the session with a peer, or the own domus. */
export interface InboundHost {
  /** The program acts at this time. */
  noteTime(now: number): void;
  /** Is there room for one more ack? Where not, `ackOn` is called when there is. */
  mayAck(blob: InboundBlob): boolean;
  /** The chunk with this message id may be acked. */
  ackChunk(blob: InboundBlob, id: number): void;
  /** Every chunk has arrived: say complete, behind the acks. */
  inboundWhole(blob: InboundBlob): void;
  /** The program has given the stream up. */
  inboundAborted(blob: InboundBlob): void;
  /** It has failed: nothing of it is to be kept. */
  inboundFailed(blob: InboundBlob): void;
}

/** What becomes of a chunk that arrives: 0 it is taken in, or the error id that fails its stream. */
export type ChunkVerdict = number;

/** A chunk that has come before: nothing is to be done but what was done about its ack. */
export const REPEATED = -1;
export const TAKEN = 0;

/** The chunk has come, and is not acked. */
const HELD = 1;
/** It is acked, and that is to be said again. */
const AGAIN = 2;

const NO_STATES = new Uint8Array(0);
const NO_NUMBERS = new Uint32Array(0);

export class InboundBlob {
  /** The id of the message that opens it. */
  readonly id: number;
  /** Canonical address of the sender. */
  readonly peer: string;
  /** Who reads; opaque to this layer. Set when the request is handed out. */
  owner: unknown = undefined;
  announced = false;
  state: InboundState = 'offered';
  failure: SendFailure | undefined = undefined;
  readonly host: InboundHost;
  readonly reservation: Reservation;
  numbers: BlobNumbers = { chunkBytes: 1, window: 0 };
  /** Accepted: until when a blob callis must be up. */
  deadline: number = NEVER;
  /** When a chunk was accepted last. */
  lastChunkAt = 0;
  bytesReceived = 0;

  /** How many blob calles the session had lost when it opened: acks may be lost with those that follow. */
  callesLostBefore = 0;
  /** More than one blob callis has carried it at once. */
  hadSeveralCalles = false;
  /** Its place in the table of its host. */
  index = -1;
  /** For the host: how often complete was written, on which callis, under which id, and whether it is due. */
  completes = 0;
  completeCarrier = -1;
  completeId = 0;
  completeDue = false;

  private readonly sink: CoreSink;
  private store: ChunkStore | undefined = undefined;
  /** By slot: 0, HELD or AGAIN. */
  private arrivals: Uint8Array = NO_STATES;
  /** The newest id under which an arrived chunk came. */
  private ids: Uint32Array = NO_NUMBERS;
  /** Chunk ids: the first that is missing, the next to read, and the first that is not acked. */
  private missing = 0;
  private next = 0;
  private unacked = 0;
  /** The chunk id behind the last that is to be acked, and the first whose ack is to be said again. */
  private due = 0;
  private again = NEVER;
  /** The chunk id behind the highest that has come. */
  private arrivedEnd = 0;
  private held = 0;
  private lastId = NEVER;

  constructor(id: number, peer: string, host: InboundHost, reservation: Reservation, sink: CoreSink) {
    this.id = id;
    this.peer = peer;
    this.host = host;
    this.reservation = reservation;
    this.sink = sink;
  }

  /** The stream is active with these numbers. Chunks from `piecesFromBytes` on are kept in pieces. */
  open(numbers: BlobNumbers, piecesFromBytes: number, now: number): void {
    this.state = 'open';
    this.numbers = numbers;
    this.deadline = NEVER;
    this.lastChunkAt = now;
    this.store = numbers.chunkBytes < piecesFromBytes ? new BlobStore(numbers) : new PieceStore(numbers);
    this.arrivals = new Uint8Array(numbers.window);
    this.ids = new Uint32Array(numbers.window);
    this.announce();
  }

  /** Fails the stream, whatever its state; what was not read is dropped. Without effect once it is over. */
  fail(failure: SendFailure): void {
    if (this.state === 'over' || this.state === 'failed') return;
    const isWhole = this.isWhole && this.state === 'open';
    this.host.inboundFailed(this);
    // All bytes are here: that the sender may not know does not concern the reader.
    this.state = isWhole ? 'over' : 'failed';
    if (isWhole) return;
    this.failure = failure;
    this.letGo();
    this.announce();
  }

  /** The sender knows that every chunk has arrived, or will not ask again. */
  settle(): void {
    if (this.state === 'open') this.state = 'over';
  }

  /** Every chunk has arrived. */
  get isWhole(): boolean {
    return this.missing > this.lastId;
  }

  /** Every byte was given to the program. */
  get isReadOut(): boolean {
    return this.next > this.lastId;
  }

  /** Does the sender wait for acks that are withheld? */
  get withholdsAcks(): boolean {
    return this.unacked < this.missing;
  }

  /** The state for error texts (a1-wire, error ids). */
  get progress(): string {
    const last = this.missing === 0 ? 'none' : String(this.missing - 1);
    return `last_delivered_chunk_id=${last} delivered_bytes=${this.missing * this.numbers.chunkBytes}`;
  }

  // --- the sender --------------------------------------------------------------------------------------------------

  /** Judges a chunk by its head. */
  judge(chunkId: number, length: number, isLast: boolean, id: number): ChunkVerdict {
    const { chunkBytes, window } = this.numbers;
    if (length > chunkBytes) return VIOLATION;
    if (this.hasCome(chunkId)) {
      this.repeated(chunkId, id);
      return REPEATED;
    }
    if (chunkId >= this.missing + window) return WINDOW_EXCEEDED;
    if (chunkId > this.lastId || (isLast && this.lastId !== NEVER)) return VIOLATION;
    if (this.held >= window) return BUFFER_FULL;
    // In one callis nothing overtakes. Over two a Rust sender's last chunk may, but it is the last of those that have come.
    if (isLast && chunkId > this.missing && !this.hadSeveralCalles) return MISSING_CHUNK;
    if (isLast && chunkId < this.arrivedEnd) return VIOLATION;
    if (this.held + 1 === window && chunkId > this.missing) return MISSING_CHUNK;
    // Its place is that of a chunk whose ack is withheld: the sender may not have sent it.
    if (chunkId >= this.unacked + window) return BUFFER_FULL;
    return TAKEN;
  }

  private hasCome(chunkId: number): boolean {
    if (chunkId < this.missing) return true;
    return chunkId < this.unacked + this.numbers.window && this.arrivals[this.slotOf(chunkId)] === HELD;
  }

  private repeated(chunkId: number, id: number): void {
    const slot = this.slotOf(chunkId);
    const isWithheld = chunkId >= this.unacked;
    // The newest id is the one under which the sender awaits an ack, should that have to be said again. It may have come first, over
    // another callis.
    const isNewest = ((id - this.ids[slot]!) | 0) > 0;
    const isKept = isWithheld || (this.arrivals[slot] !== HELD && chunkId + this.numbers.window >= this.unacked);
    if (isKept && isNewest) this.ids[slot] = id;
    if (isWithheld) return;
    if (this.host.mayAck(this)) this.host.ackChunk(this, id);
    else if (isKept) this.ackLater(chunkId);
  }

  /** Memory for a chunk that was judged well. */
  landing(chunkId: number, length: number): Landing {
    return this.store!.landing(chunkId, length);
  }

  /** A chunk has come whole. Since it was judged another callis may have brought its twin, or the end of the stream. */
  arrived(chunkId: number, landing: Landing, length: number, isLast: boolean, id: number, now: number): ChunkVerdict {
    const verdict = this.judge(chunkId, length, isLast, id);
    if (verdict !== TAKEN) return verdict;
    const slot = this.slotOf(chunkId);
    this.store!.landed(chunkId, landing, length);
    this.arrivals[slot] = HELD;
    this.ids[slot] = id;
    this.held++;
    this.arrivedEnd = Math.max(this.arrivedEnd, chunkId + 1);
    this.lastChunkAt = now;
    this.bytesReceived += length;
    if (isLast) this.lastId = chunkId;
    while (this.missing - this.unacked < this.numbers.window && this.arrivals[this.slotOf(this.missing)] === HELD)
      this.missing++;
    if (this.isWhole) this.ackUpTo(this.missing);
    this.announce();
    return TAKEN;
  }

  /**
   * A callis is lost, and acks on their way on it may be lost for chunks that another one has carried, which nobody writes again.
   * So what was acked within the last window is acked once more, unless its successor shows that the sender knows.
   */
  ackAgain(): void {
    // In one callis the chunk itself was lost with its ack, or comes again.
    if (this.state !== 'open' || !this.hadSeveralCalles) return;
    for (let id = Math.max(0, this.unacked - this.numbers.window); id < this.unacked; id++) this.ackLater(id);
    this.ackOn();
  }

  /** Acks what is to be acked, as far as there is room; behind the last chunk of all it says that every one has arrived. */
  ackOn(): void {
    if (this.state !== 'open') return;
    for (; this.again < this.unacked; this.again++) {
      const slot = this.slotOf(this.again);
      if (this.arrivals[slot] !== AGAIN) continue;
      if (!this.host.mayAck(this)) return;
      this.arrivals[slot] = 0;
      this.host.ackChunk(this, this.ids[slot]!);
    }
    this.again = NEVER;
    while (this.unacked < this.due && this.host.mayAck(this)) {
      // In one domus the ack may bring the next chunk at once.
      const id = this.unacked++;
      const slot = this.slotOf(id);
      this.arrivals[slot] = 0;
      this.held--;
      this.host.ackChunk(this, this.ids[slot]!);
      if (id === this.lastId) this.host.inboundWhole(this);
    }
  }

  // --- the program -------------------------------------------------------------------------------------------------

  /**
   * The next bytes, or undefined where none are there. What an earlier call gave counts as read now, and its chunks are
   * acked.
   */
  read(now: number): Buffer | undefined {
    if (this.store === undefined) return undefined;
    this.host.noteTime(now);
    this.ackUpTo(this.next);
    if (this.next === this.missing) return undefined;
    const bytes = this.store.read(this.next, this.missing);
    this.next = this.store.given;
    if (this.isReadOut) this.letGo();
    return bytes;
  }

  /** The program wants no more. */
  leave(failure: SendFailure, now: number): void {
    this.host.noteTime(now);
    if (this.state === 'over' || this.state === 'failed' || this.isWhole) {
      this.letGo();
      return;
    }
    this.host.inboundAborted(this);
    this.fail(failure);
  }

  // --- small steps -------------------------------------------------------------------------------------------------

  private slotOf(chunkId: number): number {
    return chunkId % this.numbers.window;
  }

  /** All chunks before `end` are to be acked. */
  private ackUpTo(end: number): void {
    this.due = Math.max(this.due, end);
    this.ackOn();
  }

  /** The ack of a chunk is to be said again, unless another chunk in its place shows that the sender knows. */
  private ackLater(chunkId: number): void {
    const slot = this.slotOf(chunkId);
    if (this.arrivals[slot] === HELD) return;
    this.arrivals[slot] = AGAIN;
    this.again = Math.min(this.again, chunkId);
  }

  private letGo(): void {
    this.reservation.release();
    this.store = undefined;
  }

  private announce(): void {
    if (this.announced || this.owner === undefined) return;
    this.announced = true;
    this.sink.blobMoved(this);
  }
}
