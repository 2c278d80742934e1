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
import { DomusError, ERROR_IDS, errorKindOf } from '@flaminia/transport-a0';
import { CHUNK_FRAME_BYTES } from '../wire/chunk.ts';
import type { Reservation } from './blob-budget.ts';
import { areSame, type BlobNumbers, bytesOf, ownNumbers } from './blob-numbers.ts';
import { BlobResponses } from './blob-responses.ts';
import type { BlobSession } from './blob-session.ts';
import type { Callis } from './callis.ts';
import { type Dial, IDLE } from './dial.ts';
import { backoffAfter } from './dial-policy.ts';
import { IdTable } from './id-table.ts';
import { InboundBlob, type InboundHost } from './inbound-blob.ts';
import type { OutboundBlob, OutboundHost } from './outbound-blob.ts';
import type { SendFailure } from './send-waiter.ts';
import {
  BLOB_RESTARTED,
  blobTimeout,
  connectTimeout,
  cutOff,
  IDLE_STREAM,
  streamDeclined,
  streamRefused,
  TOO_MANY_STREAMS,
} from './session-failures.ts';
import { GOOD_AFTER_MS } from './settings.ts';
import type { EndReason } from './sink.ts';

const NEVER = Number.POSITIVE_INFINITY;

const PEER_UNAVAILABLE = ERROR_IDS['peer-unavailable'];
const BUFFER_FULL = ERROR_IDS['blob-buffer-full'];
const REJECTED = ERROR_IDS['remote-taberna-rejected'];
const SEND_TIMEOUT = ERROR_IDS['send-timeout'];
const STREAM_NOT_FOUND = ERROR_IDS['blob-stream-not-found'];
const STREAM_IDLE = ERROR_IDS['blob-stream-idle-timeout'];

/** Complete goes out once more when its callis is lost, never oftener. */
const MOST_COMPLETES = 2;

/** Streams that arrived whole and are remembered for a while, at most. */
const MOST_REMEMBERED = 1024;

// What stands for an unanswered id: the index of its stream and the slot of the chunk, or a complete.
const SLOT_BITS = 12;
const MOST_STREAMS = 1 << 17;

type Stream = OutboundBlob | InboundBlob;

/** A stream that arrived whole: until when it is remembered, and how many calles had been lost when it began. */
interface WholeStream {
  readonly until: number;
  readonly callesLostBefore: number;
}

export class BlobStreams implements OutboundHost, InboundHost {
  readonly session: BlobSession;
  /** The active blob calles, oldest first. */
  readonly calles: Callis[] = [];
  /** The session has had a blob callis, whoever dialled it. */
  hasHad = false;
  dial: Dial = IDLE;
  readonly responses: BlobResponses;
  readonly inbound: Map<number, InboundBlob> = new Map();
  /** Outgoing streams that the peer has accepted, by the id that names them. */
  readonly outbound: Map<number, OutboundBlob> = new Map();
  /** The outgoing ones that are open, in the order of turns. */
  private readonly turns: OutboundBlob[] = [];
  private cursor = 0;
  /** Incoming ones that arrived whole, and until when their chunks are still acked. */
  private readonly whole: Map<number, WholeStream> = new Map();
  private callesLost = 0;
  /** Both kinds, where ids of chunks and completes point to. */
  private readonly table: (Stream | undefined)[] = [];
  private readonly freeIndexes: number[] = [];
  private readonly unanswered: IdTable;
  /** Streams whose complete is to be written. */
  private readonly completes: InboundBlob[] = [];
  /**
   * The one whose complete was said again and is unanswered. A Rust sender that knows that stream no more closes the callis,
   * and another repeat on it would be lost for good.
   */
  private repeating: InboundBlob | undefined = undefined;
  private inForce: BlobNumbers | undefined = undefined;
  /** Streams in whatever state: they have reserved what the numbers in force need. */
  private reserving = 0;
  private failures = 0;
  private failedAt = 0;
  private lastDialError: unknown = undefined;
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
    this.unanswered = new IdTable(session.context.idSalt);
  }

  // --- what there is -----------------------------------------------------------------------------------------------

  /** Nothing is under way: no stream, and no answer but acks that no callis would carry. */
  get isEmpty(): boolean {
    const { acks, errors } = this.responses;
    const isAnswered = errors.size === 0 && (acks.size === 0 || this.calles.length === 0);
    return isAnswered && this.outbound.size === 0 && this.inbound.size === 0;
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
    return blob.state === 'open' && (!blob.isWhole || blob.completeDue || blob.completeCarrier >= 0);
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
    return this.unanswered.get(id) >= 0 || this.outbound.has(id);
  }

  /** The numbers that hold while a blob callis or stream lives: what was agreed, or else what was first to be proposed. */
  get numbers(): BlobNumbers {
    if (this.inForce === undefined || (this.calles.length === 0 && this.reserving === 0))
      this.inForce = ownNumbers(this.session.context.settings);
    return this.inForce;
  }

  /** The most that a stream which begins now can hold at this side: settings may have changed since numbers are in force. */
  get mostBytes(): number {
    return Math.max(bytesOf(this.numbers), bytesOf(ownNumbers(this.session.context.settings)));
  }

  // --- streams begin -----------------------------------------------------------------------------------------------

  /** A message has come that offers a stream; its reservation is made. */
  offered(id: number, reservation: Reservation): InboundBlob {
    const blob = new InboundBlob(id, this.session.address, this, reservation, this.session.context.sink);
    this.inbound.set(id, blob);
    this.reserving++;
    this.whole.delete(id);
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
    if (!this.enlist(blob)) {
      this.refuse(blob, BUFFER_FULL, TOO_MANY_STREAMS.text, now);
      return;
    }
    blob.open(this.inForce!, now);
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
    if (!this.enlist(blob)) {
      blob.abort(TOO_MANY_STREAMS, this.time);
      return;
    }
    if (this.calles.length > 0) this.begin(blob);
    else this.dueAt = Math.min(this.dueAt, blob.deadline);
    this.session.requestWrite();
  }

  private begin(blob: OutboundBlob): void {
    this.turns.push(blob);
    this.session.context.counters.blobsOpenedOut++;
    blob.open(this.inForce!);
  }

  private enlist(stream: Stream): boolean {
    const index = this.freeIndexes.pop() ?? this.table.length;
    if (index >= MOST_STREAMS) return false;
    this.table[index] = stream;
    stream.index = index;
    return true;
  }

  // --- calles ------------------------------------------------------------------------------------------------------

  /** A blob callis is up: with these numbers, and with streams of before or without. */
  callisUp(callis: Callis, numbers: BlobNumbers, resumes: boolean, now: number): void {
    this.time = now;
    if (!resumes) this.failLive(BLOB_RESTARTED);
    this.hasHad = true;
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
    for (const blob of [...this.turns]) blob.carrierLost(this.forgetId, now);
    for (const blob of [...this.inbound.values()]) {
      blob.ackAgain();
      if (blob.completeCarrier === serial) this.completeLost(blob, now);
    }
    if (this.calles.length > 0) {
      this.session.requestWrite();
      return;
    }
    this.cutOffUntil = now + 2 * this.session.context.settings.sendTimeoutMs;
    // One that never served counts as a failed dial, or a loop would spin.
    if (callis.madeProgress || now - callis.activeSince >= GOOD_AFTER_MS) this.failures = 0;
    else this.noteFailure(now);
    this.considerDial(now);
  }

  private completeLost(blob: InboundBlob, now: number): void {
    this.unanswered.delete(blob.completeId);
    blob.completeCarrier = -1;
    this.noLongerRepeating(blob);
    if (blob.completes < MOST_COMPLETES) this.inboundWhole(blob);
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
    const { session } = this;
    if (this.dialAt > now) return;
    const { settings, sink, counters } = session.context;
    const deadline = now + settings.callisConnectTimeoutMs;
    this.dial = { kind: 'dialling', beganSequence: session.context.nextSequence(), deadline, replaces: false };
    counters.dialAttempts++;
    sink.dial(session, 'blob');
  }

  /** When a dial may start; Infinity where none is to. */
  private get dialAt(): number {
    const { session } = this;
    if (session.state.kind !== 'open' || session.outlet === undefined || this.dial.kind !== 'idle') return NEVER;
    if (!this.needsCallis) return NEVER;
    return this.failures === 0 ? 0 : this.failedAt + backoffAfter(session.context.settings, this.failures);
  }

  dialFailed(error: unknown, now: number): void {
    if (this.dial.kind === 'idle') return;
    this.dial = IDLE;
    this.lastDialError = error;
    this.noteFailure(now);
    const { counters, sink } = this.session.context;
    counters.dialFailures++;
    sink.event({ kind: 'peer-dial-failed', address: this.session.address, callis: 'blob', error });
    // A hello may have waited for this.
    this.session.requestWrite();
  }

  private noteFailure(now: number): void {
    this.failures++;
    this.failedAt = now;
  }

  cancelDial(): void {
    if (this.dial.kind === 'dialling') this.session.context.sink.cancelDial(this.session, 'blob');
    this.dial = IDLE;
  }

  // --- what streams say --------------------------------------------------------------------------------------------

  outboundReady(blob: OutboundBlob, now: number): void {
    this.time = now;
    this.dueAt = Math.min(this.dueAt, blob.quietAt);
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
    const turn = this.turns.indexOf(blob);
    if (turn >= 0) {
      this.turns.splice(turn, 1);
      if (turn < this.cursor) this.cursor--;
    }
    this.delist(blob);
  }

  ackChunk(blob: InboundBlob, id: number): void {
    // The idle limit does not run while acks are withheld.
    blob.lastChunkAt = this.time;
    this.responses.put(id, 0, '', this.time);
    this.session.requestWrite();
  }

  inboundWhole(blob: InboundBlob): void {
    blob.completeDue = true;
    this.completes.push(blob);
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

  private noLongerRepeating(blob: InboundBlob): void {
    if (this.repeating !== blob) return;
    this.repeating = undefined;
    this.session.requestWrite();
  }

  /** An incoming stream leaves the tables. */
  private drop(blob: InboundBlob): void {
    this.inbound.delete(blob.id);
    this.reserving--;
    if (blob.completeCarrier >= 0) this.unanswered.delete(blob.completeId);
    blob.completeCarrier = -1;
    const at = this.completes.indexOf(blob);
    if (at >= 0) this.completes.splice(at, 1);
    this.noLongerRepeating(blob);
    this.delist(blob);
  }

  private delist(stream: Stream): void {
    if (stream.index < 0) return;
    this.table[stream.index] = undefined;
    this.freeIndexes.push(stream.index);
    stream.index = -1;
  }

  /** What stood for this id is no more. */
  readonly forgetId = (id: number): void => {
    this.unanswered.delete(id);
  };

  // --- answers of the peer -----------------------------------------------------------------------------------------

  /** Settles what this id stands for: a chunk, a complete, or, in an error, a stream. False where it is none of them. */
  answered(callis: Callis, id: number, errorId: number, text: string, now: number): boolean {
    this.time = now;
    const entry = this.unanswered.delete(id);
    if (entry >= 0) {
      callis.madeProgress = true;
      this.failures = 0;
      this.settleEntry(entry, errorId, text, now);
      return true;
    }
    if (errorId === 0) return false;
    const stream = this.outbound.get(id) ?? this.inbound.get(id);
    if (stream === undefined || stream.state === 'offered') return false;
    stream.fail(streamRefused(errorId, text));
    return true;
  }

  private settleEntry(entry: number, errorId: number, text: string, now: number): void {
    const stream = this.table[entry >> SLOT_BITS];
    if (stream instanceof InboundBlob) {
      // The sender knows; an error means that it knows the stream no more.
      stream.completeCarrier = -1;
      this.finish(stream);
    } else if (stream !== undefined) {
      const isKnown = errorId === STREAM_NOT_FOUND && stream.hasCompleted;
      if (errorId === 0 || isKnown) stream.chunkAcked(entry & ((1 << SLOT_BITS) - 1), now);
      else stream.fail(streamRefused(errorId, text));
    }
  }

  private finish(blob: InboundBlob): void {
    this.session.context.counters.blobsCompleted++;
    blob.settle();
    this.drop(blob);
    this.rememberWhole(blob);
  }

  private rememberWhole({ id, callesLostBefore }: InboundBlob): void {
    const until = this.time + 2 * this.session.context.settings.sendTimeoutMs;
    this.whole.set(id, { until, callesLostBefore });
    for (const [oldest, { until }] of this.whole) {
      if (until > this.time && this.whole.size <= MOST_REMEMBERED) return;
      this.whole.delete(oldest);
    }
  }

  /** Answers a chunk of a stream that is not open: one that is whole may have lost its acks with a callis. */
  respondToLate(streamId: number, chunkMessageId: number): void {
    const whole = this.whole.get(streamId);
    const isLate = whole !== undefined && whole.until > this.time && this.callesLost > whole.callesLostBefore;
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

  /** Something happens at this time: what follows is dated so. */
  noteTime(now: number): void {
    this.time = now;
  }

  // --- frames to write ---------------------------------------------------------------------------------------------

  /** The incoming stream whose complete is next. */
  get nextComplete(): InboundBlob | undefined {
    return this.completes.find((blob) => blob.completes === 0 || this.repeating === undefined);
  }

  /** Its complete is written on a callis; returns the id that it travels under. */
  completeWritten(blob: InboundBlob, callis: Callis): number {
    this.completes.splice(this.completes.indexOf(blob), 1);
    if (blob.completes > 0) this.repeating = blob;
    const id = this.session.retained.takeId();
    blob.completeDue = false;
    blob.completes++;
    blob.completeCarrier = callis.serial;
    blob.completeId = id;
    this.unanswered.add(id, blob.index << SLOT_BITS);
    return id;
  }

  /** The frames of the next chunks for a callis, in the turn of their stream; undefined where there are none. */
  takeChunks(callis: Callis, most: number): Buffer | undefined {
    const blob = this.nextTurn(callis.serial, true) ?? this.nextTurn(callis.serial, false);
    if (blob === undefined) return undefined;
    const { counters } = this.session.context;
    this.tracked = blob.index << SLOT_BITS;
    const before = counters.chunksOut;
    const frames = blob.take(callis.serial, most, this.nextId, this.track);
    counters.blobBytesOut += frames.length - (counters.chunksOut - before) * CHUNK_FRAME_BYTES;
    return frames;
  }

  private tracked = 0;
  private readonly nextId = (): number => this.session.retained.takeId();
  private readonly track = (id: number, slot: number): void => {
    this.unanswered.add(id, this.tracked | slot);
    this.session.context.counters.chunksOut++;
  };

  /** Is there a chunk for this callis? */
  hasChunks(callis: Callis): boolean {
    const { serial } = callis;
    return this.turns.some((blob) => blob.hasReplay(serial) || blob.hasFresh(serial));
  }

  private nextTurn(serial: number, replay: boolean): OutboundBlob | undefined {
    const { turns } = this;
    for (let i = 0; i < turns.length; i++) {
      const at = (this.cursor + i) % turns.length;
      const blob = turns[at]!;
      if (!(replay ? blob.hasReplay(serial) : blob.hasFresh(serial))) continue;
      this.cursor = at + 1;
      return blob;
    }
    return undefined;
  }

  // --- time --------------------------------------------------------------------------------------------------------

  nextDeadline(): number {
    let due = Math.min(this.dueAt, this.responses.deadline, this.dialAt, this.openersAt);
    if (this.dial.kind === 'dialling') due = Math.min(due, this.dial.deadline);
    if (this.turns.length > 0) due = Math.min(due, this.cutOffUntil);
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
    if (this.dial.kind === 'dialling' && this.dial.deadline <= now) {
      this.session.context.sink.cancelDial(this.session, 'blob');
      this.dialFailed(connectTimeout(this.session.address), now);
    }
    if (this.cutOffUntil <= now) {
      for (const blob of [...this.turns]) blob.abort(cutOff(this.lastDialError), now);
      this.cutOffUntil = NEVER;
    }
    if (this.dueAt <= now) this.tickStreams(now);
    this.considerDial(now);
  }

  private tickStreams(now: number): void {
    this.dueAt = NEVER;
    for (const blob of [...this.outbound.values()]) {
      // The peer has accepted, but no blob callis was to be had in time.
      if (blob.deadline <= now) blob.abort(blobTimeout(this.lastDialError), now);
      else if (blob.quietAt <= now) blob.flush(now);
      if (!blob.isOver) this.dueAt = Math.min(this.dueAt, blob.deadline, blob.quietAt);
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
    this.whole.clear();
    this.cancelDial();
    this.hasHad = false;
    this.cutOffUntil = NEVER;
    this.failures = 0;
  }

  private failLive(failure: SendFailure): void {
    for (const stream of this.liveStreams()) stream.fail(failure);
  }

  private liveStreams(): Stream[] {
    const outbound = [...this.outbound.values()].filter((blob) => blob.state === 'open');
    return [...outbound, ...[...this.inbound.values()].filter((blob) => blob.state === 'open')];
  }

  /** The hello of a blob callis that this side dials has been sent and not been answered. */
  get isAskingPlainly(): boolean {
    return this.dial.kind === 'greeting' && !this.dial.callis.askedReconnect;
  }

  /** Ends the dial: its callis is up, or refused. */
  dialEnded(): void {
    this.dial = IDLE;
  }

  /** For errors of dials that ended with their callis. */
  lostGreeting(callis: Callis, reason: EndReason, detail: string, error: unknown, now: number): void {
    if (this.dial.kind !== 'greeting' || this.dial.callis !== callis) return;
    const peer = this.session.address;
    this.dialFailed(error ?? new DomusError('connection-lost', detail || reason, { peer }), now);
  }
}
