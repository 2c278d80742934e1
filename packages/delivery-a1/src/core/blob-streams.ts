/**
 * The blob streams of one peer session, in both directions, and what they share: the blob calles, their dial, the responses
 * and the ids of chunks (a1-blobs). Frames in stand in `blob-receiving.ts`, frames out in `blob-sending.ts`, the hello exchange
 * in `blob-greeting.ts`.
 *
 * Long on purpose: a blob callis that comes or goes concerns every stream of the session, and here is the one place that
 * says how.
 *
 * 1. Any blob callis carries chunks and answers of any stream; the streams take turns.
 * 2. What a lost callis carried unanswered is written again; complete once more at most.
 * 3. Every stream that ends, in whatever way, leaves both tables and gives its reservation back.
 * 4. The numbers of the session hold while a blob callis or a stream lives.
 */
import { ERROR_IDS, errorKindOf } from '@flaminia/transport-a0';
import { CHUNK_FRAME_BYTES } from '../wire/chunk.ts';
import type { Reservation } from './blob-budget.ts';
import { BlobDial } from './blob-dial.ts';
import { areSame, type BlobNumbers, bytesOf, ownNumbers } from './blob-numbers.ts';
import { PiecePool } from './blob-pieces.ts';
import { BlobResponses } from './blob-responses.ts';
import type { ReadyFrames } from './blob-ring.ts';
import type { BlobSession } from './blob-session.ts';
import type { Callis } from './callis.ts';
import { Completes } from './completes.ts';
import { InboundBlob, type InboundHost } from './inbound-blob.ts';
import type { OutboundBlob, OutboundHost } from './outbound-blob.ts';
import { SaidErrors } from './said-errors.ts';
import type { SendFailure } from './send-waiter.ts';
import {
  BLOB_RESTARTED,
  blobTimeout,
  cutOff,
  IDLE_STREAM,
  streamDeclined,
  streamRefused,
  TOO_MANY_STREAMS,
} from './session-failures.ts';
import { type Stream, StreamSlots } from './stream-slots.ts';
import { StreamTurns } from './stream-turns.ts';
import { WaitingShare } from './waiting-share.ts';
import { WholeStreams } from './whole-streams.ts';

const NEVER = Number.POSITIVE_INFINITY;

const PEER_UNAVAILABLE = ERROR_IDS['peer-unavailable'];
const BUFFER_FULL = ERROR_IDS['blob-buffer-full'];
const REJECTED = ERROR_IDS['remote-taberna-rejected'];
const SEND_TIMEOUT = ERROR_IDS['send-timeout'];
const STREAM_NOT_FOUND = ERROR_IDS['blob-stream-not-found'];
const STREAM_IDLE = ERROR_IDS['blob-stream-idle-timeout'];

export class BlobStreams implements OutboundHost, InboundHost {
  readonly session: BlobSession;
  /** The active blob calles, oldest first. */
  readonly calles: Callis[] = [];
  /** When the last blob callis came up, whoever dialled it, in the domus-wide sequence; 0: the session has had none. */
  activatedSequence = 0;
  /** The peer has had a blob callis too: it has answered a hello, or sent a frame on one. Mere time shows nothing. */
  isCounted = false;
  readonly dial: BlobDial;
  readonly responses: BlobResponses;
  readonly inbound: Map<number, InboundBlob> = new Map();
  /** Outgoing streams that the peer has accepted, by the id that names them. */
  readonly outbound: Map<number, OutboundBlob> = new Map();
  /** The outgoing ones that are open. */
  private readonly opened: Set<OutboundBlob> = new Set();
  private readonly turns: StreamTurns = new StreamTurns();
  readonly pieces: PiecePool = new PiecePool();
  readonly waiting: WaitingShare;
  /** Incoming ones that arrived whole: their chunks are still acked for a while. */
  private readonly whole: WholeStreams = new WholeStreams();
  private readonly saidErrors: SaidErrors = new SaidErrors();
  private callesLost = 0;
  /** Both kinds, and what ids of chunks and completes stand for. */
  private readonly slots: StreamSlots;
  private readonly completes: Completes = new Completes();
  private inForce: BlobNumbers | undefined = undefined;
  /** Streams in whatever state: they have reserved what the numbers in force need. */
  private reserving = 0;
  /** Outgoing streams fail then, unless a blob callis comes up: their receiver has given them up by that time. */
  private cutOffUntil = NEVER;
  /** When messages that open streams may be written on a primary that is new; Infinity while none waits for that. */
  private openersAt = NEVER;
  /** No deadline of a stream is earlier. */
  private dueAt = NEVER;
  private time = 0;

  constructor(session: BlobSession) {
    this.session = session;
    this.responses = new BlobResponses(session.address, session.context);
    this.dial = new BlobDial(session);
    this.slots = new StreamSlots(session.context.idSalt);
    this.waiting = new WaitingShare(() => session.context.settings.blobWaitingBytes);
  }

  // --- what there is -----------------------------------------------------------------------------------------------

  /** Nothing is under way: no stream, and no answer but acks that no callis would carry. */
  get isEmpty(): boolean {
    const { acks, errors } = this.responses;
    const isAnswered = errors.size === 0 && (acks.size === 0 || this.calles.length === 0);
    return isAnswered && this.outbound.size === 0 && this.inbound.size === 0;
  }

  /** The session has had a blob callis. */
  get hasHad(): boolean {
    return this.activatedSequence > 0;
  }

  /** A blob callis of this session was lost. */
  get hasLost(): boolean {
    return this.callesLost > 0;
  }

  /** There are streams that a blob callis would carry. */
  get hasLive(): boolean {
    if (this.outbound.size > 0) return true;
    for (const blob of this.inbound.values()) if (this.isLive(blob)) return true;
    return false;
  }

  private isLive(blob: InboundBlob): boolean {
    if (blob.state !== 'open') return false;
    return !blob.isWhole || blob.withholdsAcks || blob.completeDue || blob.completeCarrier >= 0;
  }

  private get hasWaiting(): boolean {
    for (const blob of this.inbound.values()) if (blob.state === 'accepted') return true;
    return false;
  }

  /** A blob callis is to be had: the first is dialled by the receiver of a stream, any other by each side with a stream. */
  get needsCallis(): boolean {
    return this.calles.length === 0 && (this.hasHad ? this.hasLive || this.hasWaiting : this.hasWaiting);
  }

  /** Is this id one of an unanswered chunk or complete, or the name of a stream? */
  holds(id: number): boolean {
    return this.slots.has(id) || this.outbound.has(id);
  }

  /**
   * The numbers that hold while a blob callis or stream lives, or an own hello is unanswered: what was agreed, or else what was first to
   * be proposed.
   */
  get numbers(): BlobNumbers {
    const isBound = this.calles.length > 0 || this.reserving > 0 || this.dial.proposed !== undefined;
    if (this.inForce === undefined || !isBound) this.inForce = ownNumbers(this.session.context.settings);
    return this.inForce;
  }

  /**
   * The most that a stream which begins now can hold at this side: settings may have changed since numbers are in force, and an own hello
   * may be answered with all that it proposes.
   */
  get mostBytes(): number {
    const most = Math.max(bytesOf(this.numbers), bytesOf(ownNumbers(this.session.context.settings)));
    const { proposed } = this.dial;
    return proposed === undefined ? most : Math.max(most, bytesOf(proposed));
  }

  // --- streams begin -----------------------------------------------------------------------------------------------

  /** A message has come that offers a stream; its reservation is made. */
  offered(id: number, reservation: Reservation): InboundBlob {
    const blob = new InboundBlob(id, this.session.address, this, reservation, this.session.context.sink);
    this.inbound.set(id, blob);
    this.reserving++;
    this.whole.forget(id);
    return blob;
  }

  /** A message is to be sent that offers a stream; its reservation is made. */
  asking(blob: OutboundBlob): void {
    blob.host = this;
    this.reserving++;
  }

  /** The handler accepts; the ack leaves when a blob callis is up. */
  accept(blob: InboundBlob, now: number): void {
    blob.state = 'accepted';
    if (this.calles.length > 0) {
      this.activate(blob, now);
      return;
    }
    blob.deadline = now + this.session.context.settings.sendTimeoutMs;
    this.dueAt = Math.min(this.dueAt, blob.deadline);
    this.considerDial(now);
    // Without a primary, that one is dialled first.
    this.session.considerDial(now);
    this.session.requestWrite();
  }

  private activate(blob: InboundBlob, now: number): void {
    if (!this.slots.enlist(blob)) {
      this.refuse(blob, BUFFER_FULL, TOO_MANY_STREAMS.text, now);
      return;
    }
    blob.open(this.inForce!, this.session.context.settings.blobPiecesFromBytes, now);
    blob.callesLostBefore = this.callesLost;
    blob.hadSeveralCalles = this.calles.length > 1;
    this.session.context.counters.blobsOpenedIn++;
    this.dueAt = Math.min(this.dueAt, this.idleAt(blob));
    this.session.answer(blob.id, 0, '', now);
  }

  /** The message is answered with an error instead. */
  private refuse(blob: InboundBlob, errorId: number, text: string, now: number): void {
    blob.fail({ kind: errorKindOf(errorId)!, text, delivery: 'not-sent', cause: undefined });
    this.session.answer(blob.id, errorId, text, now);
  }

  outboundAccepted(blob: OutboundBlob): void {
    this.outbound.set(blob.id, blob);
    // The peer has counted a blob callis before it answered.
    for (const callis of this.calles) callis.blob!.isProven = true;
    this.isCounted ||= this.calles.length > 0;
    if (!this.slots.enlist(blob)) {
      blob.abort(TOO_MANY_STREAMS, this.time);
      return;
    }
    if (this.calles.length > 0) this.begin(blob);
    else this.dueAt = Math.min(this.dueAt, blob.deadline);
    this.session.requestWrite();
  }

  private begin(blob: OutboundBlob): void {
    this.opened.add(blob);
    this.session.context.counters.blobsOpenedOut++;
    blob.open(this.inForce!);
  }

  // --- calles ------------------------------------------------------------------------------------------------------

  /** A blob callis is up: with these numbers, and with streams of before or without. */
  callisUp(callis: Callis, numbers: BlobNumbers, resumes: boolean, now: number): void {
    this.time = now;
    // A peer that never counted a callis, since its hello was lost, has no streams to have forgotten: they begin with this one. What has
    // shown since our hello that it counts one may speak of this one, and have overtaken the answer.
    if (!resumes && this.isCounted && !callis.isUnsure) this.failLive(BLOB_RESTARTED);
    this.activatedSequence = callis.activatedSequence;
    if (callis.dialled) this.isCounted = true;
    this.inForce = numbers;
    for (const stream of this.liveStreams()) if (!areSame(stream.numbers, numbers)) stream.fail(BLOB_RESTARTED);
    this.calles.push(callis);
    this.cutOffUntil = NEVER;
    for (const blob of [...this.inbound.values()]) if (blob.state === 'accepted') this.activate(blob, now);
    for (const blob of this.outbound.values()) if (blob.state === 'accepted') this.begin(blob);
    if (this.calles.length > 1) for (const blob of this.inbound.values()) blob.hadSeveralCalles = true;
    this.session.requestWrite();
  }

  /** An active blob callis is lost. */
  callisLost(callis: Callis, now: number): void {
    this.time = now;
    const { serial } = callis;
    this.calles.splice(this.calles.indexOf(callis), 1);
    this.callesLost++;
    for (const blob of [...this.opened]) {
      blob.carrierLost(this.forgetId, now);
      this.turns.add(blob);
    }
    for (const blob of [...this.inbound.values()]) {
      blob.ackAgain();
      if (blob.completeCarrier === serial) this.completeLost(blob, now);
    }
    if (this.calles.length > 0) {
      this.session.requestWrite();
      return;
    }
    this.cutOffUntil = now + 2 * this.session.context.settings.sendTimeoutMs;
    this.dial.noteLost(callis, now);
    this.considerDial(now);
  }

  private completeLost(blob: InboundBlob, now: number): void {
    this.slots.forget(blob.completeId);
    if (this.completes.lost(blob)) this.session.requestWrite();
    // It stays for a while, to ack what comes again.
    else this.dueAt = Math.min(this.dueAt, now);
  }

  // --- dialling ----------------------------------------------------------------------------------------------------

  /** A message that opens a stream is held back on a new primary until this time. */
  openersWait(until: number): void {
    this.openersAt = until;
  }

  /** Starts the dial of a blob callis where one is needed and may be had. */
  considerDial(now: number): void {
    if (this.dialAt <= now) this.dial.start(now);
  }

  private get dialAt(): number {
    return this.needsCallis ? this.dial.startsAt : NEVER;
  }

  // --- what streams say --------------------------------------------------------------------------------------------

  outboundReady(blob: OutboundBlob, now: number): void {
    this.time = now;
    this.dueAt = Math.min(this.dueAt, blob.quietAt);
    this.turns.add(blob);
    // Without a callis too: there is a new deadline.
    this.session.requestWrite();
  }

  outboundAborted(blob: OutboundBlob): void {
    this.tellAbort(blob.id);
  }

  outboundOver(blob: OutboundBlob): void {
    const { counters } = this.session.context;
    this.reserving--;
    if (blob.state === 'ended') counters.blobsCompleted++;
    else if (blob.numbers.window > 0) counters.blobsFailed++;
    if (this.outbound.get(blob.id) === blob) this.outbound.delete(blob.id);
    blob.eachUnanswered(this.forgetId);
    this.turns.remove(blob);
    if (this.opened.delete(blob)) this.pieces.keep(this.opened.size * bytesOf(blob.numbers));
    this.slots.delist(blob);
  }

  mayAck(blob: InboundBlob): boolean {
    return this.responses.mayAck(blob);
  }

  ackChunk(blob: InboundBlob, id: number): void {
    // The idle limit does not run while acks are withheld.
    blob.lastChunkAt = this.time;
    this.responses.put(id, 0, '', this.time);
    this.session.requestWrite();
  }

  inboundWhole(blob: InboundBlob): void {
    this.completes.add(blob);
    this.session.requestWrite();
  }

  inboundAborted(blob: InboundBlob): void {
    // The message that opens it is not answered before a blob callis is up.
    if (blob.state === 'accepted') this.session.answer(blob.id, REJECTED, 'given up', this.time);
    else if (blob.state === 'open') this.tellAbort(blob.id);
  }

  inboundFailed(blob: InboundBlob): void {
    if (blob.numbers.window > 0) this.session.context.counters.blobsFailed++;
    this.drop(blob);
  }

  private tellAbort(streamId: number): void {
    this.responses.put(streamId, PEER_UNAVAILABLE, 'stream-aborted', this.time);
    this.session.requestWrite();
  }

  /** An incoming stream leaves the tables. */
  private drop(blob: InboundBlob): void {
    this.inbound.delete(blob.id);
    this.responses.forget(blob);
    this.reserving--;
    if (blob.completeCarrier >= 0) this.slots.forget(blob.completeId);
    if (this.completes.drop(blob)) this.session.requestWrite();
    this.slots.delist(blob);
  }

  /** What stood for this id is no more. */
  readonly forgetId = (id: number): void => {
    this.slots.forget(id);
  };

  // --- answers of the peer -----------------------------------------------------------------------------------------

  /** Settles what this id stands for: a chunk, a complete, or, in an error, a stream. False where it is none of them. */
  answered(callis: Callis, id: number, errorId: number, text: string, now: number): boolean {
    this.time = now;
    const entry = this.slots.take(id);
    if (entry >= 0) {
      callis.madeProgress = true;
      this.dial.noteProgress();
      this.settleEntry(entry, errorId, text, now);
      return true;
    }
    if (errorId === 0) return false;
    const stream = this.outbound.get(id) ?? this.inbound.get(id);
    if (stream === undefined || stream.state === 'offered') return false;
    // Nobody would decide any more about the message that opens it.
    if (stream instanceof InboundBlob && stream.state === 'accepted') this.session.answer(id, REJECTED, '', now);
    stream.fail(streamRefused(errorId, text));
    return true;
  }

  private settleEntry(entry: number, errorId: number, text: string, now: number): void {
    const stream = this.slots.streamOf(entry);
    if (stream instanceof InboundBlob) {
      // The sender knows; an error means that it knows the stream no more.
      stream.completeCarrier = -1;
      this.finish(stream);
    } else if (stream !== undefined) {
      const isKnown = errorId === STREAM_NOT_FOUND && stream.hasCompleted;
      if (errorId === 0 || isKnown) this.chunkAcked(stream, this.slots.slotOf(entry), now);
      else stream.fail(streamRefused(errorId, text));
    }
  }

  private chunkAcked(blob: OutboundBlob, slot: number, now: number): void {
    blob.chunkAcked(slot, now);
    if (!blob.isOver) this.dueAt = Math.min(this.dueAt, this.endsBy(blob));
  }

  /** The peer says that every chunk of a stream has arrived. False where that cannot be. */
  completed(streamId: number, now: number): boolean {
    const blob = this.outbound.get(streamId);
    // One that we know no more has ended well: its receiver asks again because our ack was lost.
    if (blob === undefined) return true;
    const isRight = blob.completed(now, this.forgetId, this.hasLost);
    if (!blob.isOver) this.dueAt = Math.min(this.dueAt, this.endsBy(blob));
    return isRight;
  }

  /**
   * All bytes have arrived, and what is still awaited is awaited no longer than this: complete may have gone both times to a callis that
   * was gone, and acks may have been dropped.
   */
  private endsBy(blob: OutboundBlob): number {
    return blob.arrivedAt + 2 * this.session.context.settings.sendTimeoutMs;
  }

  private finish(blob: InboundBlob): void {
    this.session.context.counters.blobsCompleted++;
    blob.settle();
    this.drop(blob);
    const until = this.time + 2 * this.session.context.settings.sendTimeoutMs;
    this.whole.remember(blob.id, blob.callesLostBefore, until, this.time);
  }

  /** Answers a chunk of a stream that is not open: one that is whole may have lost its acks with a callis. */
  respondToLate(streamId: number, chunkMessageId: number): void {
    const isLate = this.whole.mayLackAcks(streamId, this.callesLost, this.time);
    this.respond(chunkMessageId, isLate ? 0 : STREAM_NOT_FOUND, '');
  }

  /** Fails an incoming stream because of a chunk, and answers that. */
  failByChunk(blob: InboundBlob, chunkMessageId: number, errorId: number): void {
    const text = blob.progress;
    blob.fail({ kind: errorKindOf(errorId)!, text, delivery: 'unknown', cause: undefined });
    this.respond(chunkMessageId, errorId, text);
  }

  /** Answers a chunk or a complete. */
  respond(id: number, errorId: number, text: string): void {
    this.responses.put(id, errorId, text, this.time);
    this.session.requestWrite();
  }

  /** An error is written on a callis. */
  errorWritten(id: number, errorId: number, text: string, callis: Callis): void {
    this.saidErrors.written(id, errorId, text, callis.serial);
  }

  /** A callis of any kind is lost, and with it perhaps errors that it carried. */
  errorsLost({ serial }: Callis, now: number): void {
    this.time = now;
    const until = now + 2 * this.session.context.settings.sendTimeoutMs;
    this.saidErrors.lost(serial, until, now, (id, errorId, text) => this.respond(id, errorId, text));
  }

  /** Something happens at this time: what follows is dated so. */
  noteTime(now: number): void {
    this.time = now;
  }

  // --- frames to write ---------------------------------------------------------------------------------------------

  /** The incoming stream whose complete is next. */
  get nextComplete(): InboundBlob | undefined {
    return this.completes.next;
  }

  /** Its complete is written on a callis; returns the id that it travels under. */
  completeWritten(blob: InboundBlob, callis: Callis): number {
    const id = this.session.retained.takeId();
    this.completes.written(blob, callis.serial, id);
    this.slots.track(id, blob.index, 0);
    return id;
  }

  /** The frames of the next chunks for a callis, in the turn of their stream; undefined where there are none. */
  takeChunks(callis: Callis, most: number): ReadyFrames | undefined {
    const blob = this.turns.next(callis.serial);
    if (blob === undefined) return undefined;
    const { counters } = this.session.context;
    this.tracked = blob.index;
    const before = counters.chunksOut;
    const frames = blob.take(callis.serial, most, this.nextId, this.track);
    counters.blobBytesOut += frames.bytes.length - (counters.chunksOut - before) * CHUNK_FRAME_BYTES;
    return frames;
  }

  private tracked = 0;
  private readonly nextId = (): number => this.session.retained.takeId();
  private readonly track = (id: number, slot: number): void => {
    this.slots.track(id, this.tracked, slot);
    this.session.context.counters.chunksOut++;
  };

  /** Is there a chunk for this callis? */
  hasChunks(callis: Callis): boolean {
    return this.turns.has(callis.serial);
  }

  // --- time --------------------------------------------------------------------------------------------------------

  nextDeadline(): number {
    let due = Math.min(this.dueAt, this.responses.deadline, this.dialAt, this.dial.deadline, this.openersAt);
    if (this.opened.size > 0) due = Math.min(due, this.cutOffUntil);
    for (const { blob } of this.calles) if (!blob!.isProven) due = Math.min(due, blob!.provenAt);
    return due;
  }

  tick(now: number): void {
    this.time = now;
    this.responses.expire(now);
    for (const { blob } of this.calles) {
      if (blob!.isProven || blob!.provenAt > now) continue;
      blob!.isProven = true;
      this.session.requestWrite();
    }
    if (this.openersAt <= now) {
      this.openersAt = NEVER;
      this.session.requestWrite();
    }
    this.dial.expire(now);
    if (this.cutOffUntil <= now) {
      for (const blob of [...this.opened]) blob.abort(cutOff(this.dial.lastError), now);
      this.cutOffUntil = NEVER;
    }
    if (this.dueAt <= now) this.tickStreams(now);
    this.considerDial(now);
  }

  private tickStreams(now: number): void {
    this.dueAt = NEVER;
    for (const blob of [...this.outbound.values()]) {
      // The peer has accepted, but no blob callis was to be had in time.
      if (blob.deadline <= now) blob.abort(blobTimeout(this.dial.lastError), now);
      else if (this.endsBy(blob) <= now) blob.arrived();
      else if (blob.quietAt <= now) blob.flush(now);
      if (!blob.isOver) this.dueAt = Math.min(this.dueAt, blob.deadline, blob.quietAt, this.endsBy(blob));
    }
    for (const blob of [...this.inbound.values()]) {
      const at = this.inboundDueAt(blob);
      if (at <= now) this.inboundDue(blob, now);
      else this.dueAt = Math.min(this.dueAt, at);
    }
  }

  private inboundDueAt(blob: InboundBlob): number {
    if (blob.state === 'accepted') return blob.deadline;
    return blob.state === 'open' ? this.idleAt(blob) : NEVER;
  }

  private idleAt(blob: InboundBlob): number {
    return blob.lastChunkAt + 2 * this.session.context.settings.sendTimeoutMs;
  }

  private inboundDue(blob: InboundBlob, now: number): void {
    if (blob.state === 'accepted') {
      this.refuse(blob, SEND_TIMEOUT, 'no blob callis within sendTimeout', now);
    } else if (blob.isWhole) {
      if (!this.isLive(blob)) this.finish(blob);
      else this.postpone(blob, now);
    } else if (blob.withholdsAcks) {
      this.postpone(blob, now);
    } else {
      this.responses.put(blob.id, STREAM_IDLE, blob.progress, now);
      this.session.requestWrite();
      blob.fail(IDLE_STREAM);
    }
  }

  /** The idle limit does not run while acks are withheld, nor once all chunks are there. */
  private postpone(blob: InboundBlob, now: number): void {
    blob.lastChunkAt = now;
    this.dueAt = Math.min(this.dueAt, this.idleAt(blob));
  }

  /** Time limits may have changed. */
  settingsChanged(): void {
    this.dueAt = 0;
  }

  /** The handler has said no, or nothing in time. */
  declined(blob: InboundBlob, errorId: number): void {
    blob.fail(streamDeclined(errorId));
  }

  // --- the ends of a session ---------------------------------------------------------------------------------------

  /**
   * Fails every stream. Nothing is said to the peer, but to messages that offer one and are unanswered: a decision that comes
   * later must not accept what is gone.
   */
  failAll(failure: SendFailure, now: number): void {
    for (const blob of [...this.outbound.values()]) blob.fail(failure);
    for (const blob of [...this.inbound.values()]) {
      if (blob.state === 'offered' || blob.state === 'accepted') this.session.answer(blob.id, REJECTED, '', now);
      blob.fail(failure);
    }
  }

  /** The peer has forgotten the session: nothing of it holds. */
  restart(now: number): void {
    this.failAll(BLOB_RESTARTED, now);
    this.responses.clear();
    this.saidErrors.clear();
    this.whole.clear();
    this.dial.cancel();
    this.activatedSequence = 0;
    this.isCounted = false;
    this.cutOffUntil = NEVER;
    this.dial.noteProgress();
  }

  private failLive(failure: SendFailure): void {
    for (const stream of this.liveStreams()) stream.fail(failure);
  }

  private liveStreams(): Stream[] {
    const outbound = [...this.outbound.values()].filter((blob) => blob.state === 'open');
    return [...outbound, ...[...this.inbound.values()].filter((blob) => blob.state === 'open')];
  }
}
