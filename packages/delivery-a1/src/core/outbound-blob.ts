/**
 * The sending end of a blob stream: its state, and the ring of chunks that the peer has not answered (a1-blobs, sender).
 * Knows no callis and no frame but those of its own chunks; `BlobHost` carries them.
 *
 * 1. A slot is empty, ready, inflight, replay-ready or acked; its bytes stay until every chunk up to it is acked.
 * 2. No chunk id reaches the lowest unanswered id + window.
 * 3. What was written last is held back while it could be the end, so that the last chunk can be marked.
 * 4. The last chunk is given out only when every earlier one is acked, or unanswered on the same callis.
 * 5. `ended` and `failed` are terminal, and reached once.
 *
 * Long on purpose: the slots of the window, and what writing, answers and losses do to them, stand side by side.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { FLAG_LAST_CHUNK } from '../wire/chunk.ts';
import type { Reservation } from './blob-budget.ts';
import type { BlobNumbers } from './blob-numbers.ts';
import type { PiecePool } from './blob-pieces.ts';
import { BlobRing, type ReadyFrames } from './blob-ring.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import { streamRefused } from './session-failures.ts';
import { BLOB_CHUNK_MS, BLOB_QUIET_MS } from './settings.ts';
import type { CoreSink } from './sink.ts';
import type { Place, WaitingShare } from './waiting-share.ts';

const PEER_UNAVAILABLE = ERROR_IDS['peer-unavailable'];
const NEVER = Number.POSITIVE_INFINITY;

const EMPTY = 0;
const READY = 1;
const INFLIGHT = 2;
const REPLAY = 3;
const ACKED = 4;

const NO_STATES = new Uint8Array(0);
const NO_NUMBERS = new Uint32Array(0);

export type OutboundState =
  /** The message that opens the stream is under way. */
  | 'asking'
  /** The far handler has accepted; a blob callis is awaited. */
  | 'accepted'
  | 'open'
  /** Every byte has arrived. */
  | 'ended'
  | 'failed';

/** What carries a stream: the session with a peer, or the own domus. */
export interface OutboundHost {
  /** What its streams share: memory, and how much of it may wait. */
  readonly pieces: PiecePool;
  readonly waiting: WaitingShare;
  /** The program acts at this time. */
  noteTime(now: number): void;
  /** The far handler has accepted: open the stream as soon as a blob callis is up. */
  outboundAccepted(blob: OutboundBlob): void;
  /** There may be something to write. */
  outboundReady(blob: OutboundBlob, now: number): void;
  /** The program has given the stream up, and the peer, if it has one, is to be told. */
  outboundAborted(blob: OutboundBlob): void;
  /** It has ended or failed: nothing of it is to be kept. */
  outboundOver(blob: OutboundBlob): void;
}

export class OutboundBlob implements SendWaiter {
  /** Who writes; opaque to this layer. */
  readonly owner: unknown;
  /** True while it stands in the list of those that have moved. */
  announced = false;
  state: OutboundState = 'asking';
  failure: SendFailure | undefined = undefined;
  /** Where it goes, as far as that is known. */
  peer = '';
  /** The id of the message that opened it, once that was written. */
  id = 0;
  /** No bytes follow those that were written. */
  isEnding = false;
  /** The time until which the stream must have opened. */
  deadline: number = NEVER;
  host: OutboundHost | undefined = undefined;
  reservation: Reservation | undefined = undefined;
  /** Its place in the table of its host. */
  index = -1;
  /** It stands among those that have chunks to write. */
  isInTurn = false;
  /** Its place in the line of those that want to begin a chunk. */
  place: Place = 'nowhere';
  /** Bytes that the peer has acked, read by its program or not yet. */
  bytesAcknowledged = 0;
  numbers: BlobNumbers = { chunkBytes: 1, window: 0 };
  /** Since when all chunks are known to have arrived, by their acks or by complete, and only the other is awaited; Infinity before. */
  arrivedAt: number = NEVER;

  private readonly sink: CoreSink;
  private ring: BlobRing | undefined = undefined;
  private states: Uint8Array = NO_STATES;
  private ids: Uint32Array = NO_NUMBERS;
  private lengths: Uint32Array = NO_NUMBERS;
  /** The serial of the callis that carried a chunk last. */
  private carriers: Uint32Array = NO_NUMBERS;
  /** Chunk ids: the lowest unanswered, the lowest that was never written, and the one that is being filled. */
  private lowest = 0;
  private fresh = 0;
  private filling = 0;
  private fill = 0;
  private replays = 0;
  private lastId = NEVER;
  private lastWriteAt = 0;
  /** When the chunk that is being filled got its first bytes. */
  private chunkBegunAt = 0;
  /** The program has more to write than was taken. */
  private isShort = false;
  private isComplete = false;
  private lostAfterLast = false;
  private lastWasWritten = false;

  constructor(owner: unknown, sink: CoreSink) {
    this.owner = owner;
    this.sink = sink;
  }

  /** True once nothing more will happen to it. */
  get isOver(): boolean {
    return this.state === 'ended' || this.state === 'failed';
  }

  // --- the message that opens it -----------------------------------------------------------------------------------

  accepted(): void {
    if (this.state === 'asking') {
      this.state = 'accepted';
      this.host!.outboundAccepted(this);
    } else {
      // The program has stopped waiting meanwhile, and the far side has a stream now that nobody writes.
      this.host!.outboundAborted(this);
    }
  }

  failed(failure: SendFailure, peer = ''): void {
    if (peer !== '') this.peer = peer;
    // The far program has given the stream up, and on another callis that has overtaken the ack.
    const isRefused = failure.delivery === 'refused';
    if (isRefused && failure.kind === 'peer-unavailable') this.fail(streamRefused(PEER_UNAVAILABLE, ''));
    // Its reader has waited for us, and the ack was lost: a handler has accepted.
    else if (isRefused && failure.kind === 'blob-stream-idle-timeout') this.fail({ ...failure, delivery: 'unknown' });
    else this.fail(failure);
  }

  /** A callis is there: the program may write. */
  open(numbers: BlobNumbers): void {
    this.state = 'open';
    this.numbers = numbers;
    this.deadline = NEVER;
    this.ring = new BlobRing(numbers.chunkBytes, numbers.window, this.host!.pieces);
    this.states = new Uint8Array(numbers.window);
    this.ids = new Uint32Array(numbers.window);
    this.lengths = new Uint32Array(numbers.window);
    this.carriers = new Uint32Array(numbers.window);
    this.announce();
  }

  /** Ends the stream with an error, whatever its state. Without effect once it is over. */
  fail(failure: SendFailure): void {
    if (this.isOver) return;
    // A handler that has accepted may have begun its work.
    this.failure = this.state === 'asking' ? failure : { ...failure, delivery: 'unknown' };
    this.state = 'failed';
    this.letGo();
  }

  // --- the program -------------------------------------------------------------------------------------------------

  /** Takes as many of the bytes as there is room for, and returns how many. */
  write(bytes: Uint8Array, start: number, length: number, now: number): number {
    if (this.state !== 'open' || this.isEnding) return 0;
    const { chunkBytes } = this.numbers;
    const { filling: before } = this;
    if (this.fill === 0) this.chunkBegunAt = now;
    let placed = 0;
    while (placed < length) {
      if (this.fill === chunkBytes) this.seal();
      // A chunk that is begun has its place: small writes do not stand in line, each by itself.
      if (this.fill === 0 && !this.hasRoom) break;
      const count = Math.min(chunkBytes - this.fill, length - placed);
      this.ring!.put(this.slotOf(this.filling), this.fill, bytes, start + placed, count);
      this.fill += count;
      placed += count;
    }
    this.isShort = placed < length;
    this.host!.waiting.served(this);
    if (placed > 0) this.lastWriteAt = now;
    if (this.filling !== before) this.chunkBegunAt = now;
    this.host!.outboundReady(this, now);
    return placed;
  }

  /** A chunk more may be begun: the window has a place, and not too much waits for its turn. */
  private get hasRoom(): boolean {
    if (this.filling - this.lowest >= this.numbers.window) return false;
    return this.host!.waiting.admits(this, this.filling - this.fresh);
  }

  /** What was written so far goes out, be it a whole chunk or not. */
  flush(now: number): void {
    if (this.state !== 'open' || this.isEnding || this.fill === 0) return;
    this.seal();
    this.host!.outboundReady(this, now);
  }

  /** No bytes follow. */
  end(now: number): void {
    if (this.state !== 'open' || this.isEnding) return;
    this.isEnding = true;
    this.sealLast();
    this.host!.outboundReady(this, now);
  }

  /** Gives the stream up; the peer is told. */
  abort(failure: SendFailure, now: number): void {
    if (this.isOver) return;
    this.host?.noteTime(now);
    // While the message is under way there is no stream yet; should it be accepted, the peer is told then.
    if (this.state !== 'asking') this.host!.outboundAborted(this);
    this.fail(failure);
  }

  /** When what lies in the last chunk goes out though that is not full; Infinity where nothing does. */
  get quietAt(): number {
    if (this.state !== 'open' || this.isEnding || this.fill === 0) return NEVER;
    return Math.min(this.lastWriteAt + BLOB_QUIET_MS, this.chunkBegunAt + BLOB_CHUNK_MS);
  }

  // --- writing to a callis -----------------------------------------------------------------------------------------

  /** There are chunks to write, for the first time or again. */
  get hasChunks(): boolean {
    return this.fresh < this.filling || this.replays > 0;
  }

  hasReplay(carrier: number): boolean {
    return this.replays > 0 && this.nextReplay(carrier) !== NEVER;
  }

  /** Is there a chunk that was never written and may be on this callis? */
  hasFresh(carrier: number): boolean {
    return this.fresh < this.filling && (this.fresh !== this.lastId || this.mayEndOn(carrier));
  }

  /** The next chunk to write again on this callis, or Infinity. */
  private nextReplay(carrier: number): number {
    for (let id = this.lowest; id < this.fresh; id++) {
      if (this.states[this.slotOf(id)] !== REPLAY) continue;
      return id === this.lastId && !this.mayEndOn(carrier) ? NEVER : id;
    }
    return NEVER;
  }

  /**
   * Gives out the frames of the next chunks for a callis, as many as lie side by side and `most` bytes allow, one at least.
   * `nextId` gives each its id; `track` is told of it.
   */
  take(carrier: number, most: number, nextId: () => number, track: (id: number, slot: number) => void): ReadyFrames {
    const replay = this.replays > 0 ? this.nextReplay(carrier) : NEVER;
    const isReplay = replay !== NEVER;
    const first = isReplay ? replay : this.fresh;
    let last = first;
    let bytes = 0;
    for (let id = first; ; id++) {
      const slot = this.slotOf(id);
      this.giveOut(id, slot, carrier, nextId, track);
      last = id;
      bytes += this.lengths[slot]!;
      const next = id + 1;
      const isSide = this.lengths[slot] === this.numbers.chunkBytes && this.ring!.isFollowed(slot);
      if (!isSide || bytes + this.numbers.chunkBytes > most || !this.isNext(next, carrier, isReplay)) break;
    }
    if (!isReplay) this.makeWay();
    const lastSlot = this.slotOf(last);
    return this.ring!.frames(this.slotOf(first), lastSlot, this.lengths[lastSlot]!);
  }

  private isNext(id: number, carrier: number, isReplay: boolean): boolean {
    if (id === this.lastId && !this.mayEndOn(carrier)) return false;
    return isReplay ? id < this.fresh && this.states[this.slotOf(id)] === REPLAY : id < this.filling;
  }

  private giveOut(
    id: number,
    slot: number,
    carrier: number,
    nextId: () => number,
    track: (id: number, slot: number) => void,
  ): void {
    const messageId = nextId();
    if (this.states[slot] === REPLAY) this.replays--;
    else this.givenOut(id, slot);
    this.states[slot] = INFLIGHT;
    this.ids[slot] = messageId;
    this.carriers[slot] = carrier;
    const isLast = id === this.lastId;
    if (isLast) this.lastWasWritten = true;
    this.ring!.putHead(slot, messageId, this.id, id, isLast ? FLAG_LAST_CHUNK : 0, this.lengths[slot]!);
    track(messageId, slot);
  }

  /** A chunk waits no more for its first write. */
  private givenOut(id: number, slot: number): void {
    this.fresh = id + 1;
    if (id !== this.lastId) this.host!.waiting.remove(this.lengths[slot]!);
  }

  /** Something waits no more: this stream may go on, or another. */
  private makeWay(): void {
    const { waiting } = this.host!;
    waiting.written(this);
    if (this.isShort && this.place === 'nowhere') this.announce();
    waiting.callNext();
  }

  /** Arriving before an earlier chunk, the last one would fail the stream. */
  private mayEndOn(carrier: number): boolean {
    for (let id = this.lowest; id < this.lastId; id++) {
      const slot = this.slotOf(id);
      const isSafe = this.states[slot] === ACKED || (this.states[slot] === INFLIGHT && this.carriers[slot] === carrier);
      if (!isSafe) return false;
    }
    return true;
  }

  // --- what comes back ---------------------------------------------------------------------------------------------

  /** The chunk in this slot has arrived. */
  chunkAcked(slot: number, now: number): void {
    this.markAcked(slot);
    this.moveOn(now);
  }

  /**
   * The peer says that every chunk has arrived. False where that cannot be. `forget` is told the ids that need no answer.
   * `hasLost`: the session has lost a blob callis, which the peer may still take for whole, and for a carrier of acks.
   */
  completed(now: number, forget: (id: number) => void, hasLost = false): boolean {
    if (!this.lastWasWritten) return false;
    this.isComplete = true;
    if (hasLost) this.lostAfterLast = true;
    // Acks are still awaited, but the peer may have dropped some.
    else this.arrivedAt = Math.min(this.arrivedAt, now);
    this.ackArrived(forget);
    this.moveOn(now);
    return true;
  }

  /**
   * Behind complete nothing is written again, and once a callis is lost no ack is awaited either: it may have been on its way
   * there, for a chunk that another has carried.
   */
  private ackArrived(forget: (id: number) => void): void {
    if (this.lostAfterLast) this.eachUnanswered(forget);
    for (let id = this.lowest; id < this.fresh; id++) {
      const slot = this.slotOf(id);
      if (this.states[slot] === REPLAY || (this.states[slot] === INFLIGHT && this.lostAfterLast)) this.markAcked(slot);
    }
  }

  /** The peer has said complete, so that it may know the stream no more. */
  get hasCompleted(): boolean {
    return this.isComplete;
  }

  /**
   * A blob callis is lost: whatever is unanswered is to be written again, what another carried too, since its ack may have been
   * lost here. `forget` is told the ids.
   */
  carrierLost(forget: (id: number) => void, now: number): void {
    if (this.lastWasWritten) this.lostAfterLast = true;
    for (let id = this.lowest; id < this.fresh; id++) {
      const slot = this.slotOf(id);
      if (this.states[slot] !== INFLIGHT) continue;
      forget(this.ids[slot]!);
      this.states[slot] = REPLAY;
      this.replays++;
    }
    this.ring?.detach();
    if (this.isComplete) this.ackArrived(forget);
    this.moveOn(now);
  }

  /** Tells the ids under which chunks are unanswered. */
  eachUnanswered(told: (id: number) => void): void {
    for (let id = this.lowest; id < this.fresh; id++) {
      const slot = this.slotOf(id);
      if (this.states[slot] === INFLIGHT) told(this.ids[slot]!);
    }
  }

  // --- for a stream within one domus -------------------------------------------------------------------------------

  /** The next chunk that waits, or Infinity; `give` hands it out there. */
  get nextChunk(): number {
    return this.fresh < this.filling ? this.fresh : NEVER;
  }

  /** Gives the bytes of the next chunk out. */
  give(told: (chunkId: number, slot: number, bytes: Uint8Array, isLast: boolean) => void): void {
    const id = this.fresh;
    const slot = this.slotOf(id);
    this.givenOut(id, slot);
    this.states[slot] = INFLIGHT;
    if (id === this.lastId) this.lastWasWritten = true;
    told(id, slot, this.ring!.chunk(slot, this.lengths[slot]!), id === this.lastId);
    this.makeWay();
  }

  // --- small steps -------------------------------------------------------------------------------------------------

  private slotOf(chunkId: number): number {
    return chunkId % this.numbers.window;
  }

  private seal(): void {
    const slot = this.slotOf(this.filling);
    this.states[slot] = READY;
    this.lengths[slot] = this.fill;
    if (this.filling !== this.lastId) this.host!.waiting.add(this.fill);
    this.filling++;
    this.fill = 0;
  }

  /** An end with nothing left to write needs a slot for an empty chunk. */
  private sealLast(): void {
    if (this.lastId !== NEVER || this.filling - this.lowest >= this.numbers.window) return;
    this.lastId = this.filling;
    this.seal();
  }

  private markAcked(slot: number): void {
    if (this.states[slot] === REPLAY) this.replays--;
    this.states[slot] = ACKED;
    this.bytesAcknowledged += this.lengths[slot]!;
  }

  private moveOn(now: number): void {
    while (this.lowest < this.fresh && this.states[this.slotOf(this.lowest)] === ACKED) {
      const slot = this.slotOf(this.lowest);
      this.states[slot] = EMPTY;
      this.lowest++;
      this.ring!.release(slot);
    }
    if (this.isEnding && this.lastId === NEVER) {
      this.sealLast();
      if (this.lastId !== NEVER) this.host!.outboundReady(this, now);
    }
    if (this.lowest <= this.lastId) {
      this.announce();
    } else if (this.isComplete || this.lostAfterLast) {
      this.arrived();
    } else {
      this.arrivedAt = Math.min(this.arrivedAt, now);
      this.announce();
    }
  }

  /** Every byte has arrived: the stream has ended well. */
  arrived(): void {
    this.state = 'ended';
    this.letGo();
  }

  private letGo(): void {
    const { host } = this;
    for (let id = this.fresh; id < this.filling; id++)
      if (id !== this.lastId) host!.waiting.remove(this.lengths[this.slotOf(id)]!);
    host?.waiting.leave(this);
    host?.outboundOver(this);
    this.reservation?.release();
    this.ring = undefined;
    this.announce();
  }

  /** Tells its program to look again. */
  announce(): void {
    if (this.announced) return;
    this.announced = true;
    this.sink.blobMoved(this);
  }
}
