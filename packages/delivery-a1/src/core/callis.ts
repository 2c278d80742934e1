/**
 * A callis (connection) as the machine sees it: its phase, its decoder, the control frames that it owes, and what it
 * has carried. Owns no socket.
 *
 * 1. Phases change only along TRANSITIONS; `ended` is terminal and reached once.
 * 2. Control frames that belong to one callis (hello, its response, keepalive, close, a refusal) are owed here and never
 *    wait in a lane.
 * 3. A callis that is `leaving` writes what it owes, ends its direction and discards what still comes.
 */
import { FrameDecoder } from '../wire/decode.ts';
import type { Landing } from '../wire/landing.ts';
import type { BlobNumbers } from './blob-numbers.ts';
import type { InboundBlob } from './inbound-blob.ts';
import { Carried } from './lane.ts';
import { type DeliverySettings, STALLED_AFTER_MS } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

// Silence of a primary (a1-delivery, keepalive): its limit follows the rhythm in which the peer sends keepalives.
const LEAST_RHYTHM_MS = 1_000;
const ASSUMED_RHYTHM_MS = 15_000;
const LEAST_SILENCE_MS = 5_000;
const SILENCE_FACTOR = 1.5;

export type Phase =
  /** Dialled: hello is owed or sent, the response has not come. */
  | 'greeting'
  /** Accepted: the hello has not come. */
  | 'awaiting-hello'
  | 'active'
  | 'leaving'
  | 'ended';

const TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  greeting: ['active', 'leaving', 'ended'],
  'awaiting-hello': ['active', 'leaving', 'ended'],
  active: ['leaving', 'ended'],
  leaving: ['ended'],
  ended: [],
};

/** A hello that waits for the answer to an own one. */
export interface HeldHello {
  readonly flags: number;
  readonly id: number;
  /** What it proposes, on a blob callis. */
  readonly numbers: BlobNumbers | undefined;
}

/** What a blob callis has beside what every callis has. */
export class BlobCallis {
  /** What was proposed on it, then what was agreed. */
  numbers: BlobNumbers;
  /** The peer has shown that it counts this callis: chunks may be written. */
  isProven = false;
  /** Until when that is waited for. */
  provenAt: number = NEVER;
  /** The chunk that is arriving, and where its bytes go. */
  arriving: ArrivingChunk | undefined = undefined;

  constructor(numbers: BlobNumbers) {
    this.numbers = numbers;
  }
}

/** A chunk whose bytes are arriving. */
export interface ArrivingChunk {
  readonly blob: InboundBlob;
  readonly chunkId: number;
  readonly length: number;
  readonly isLast: boolean;
  readonly landing: Landing;
}

/** An error frame that a callis owes: an answer to a hello, or to an oversized message. */
export interface OwedError {
  readonly id: number;
  readonly errorId: number;
  readonly text: string;
}

export class Callis {
  /** Rises with each callis of the domus; the oldest active primary carries fresh work. */
  readonly serial: number;
  readonly dialled: boolean;
  /** True on TCP, where a peer may hold a payload back until we write (a1-delivery, nudge). */
  readonly nudges: boolean;
  /** Dialled: taken from the domus-wide sequence when the dial began. Accepted: when AUTH_CHALLENGE was sent. */
  readonly beganSequence: number;
  readonly decoder: FrameDecoder = new FrameDecoder();
  /** What this callis has carried and nobody has answered. */
  readonly carried: Carried = new Carried();

  /** For the driver: the stream that it keeps for this callis. */
  driver: unknown = undefined;

  phase: Phase;
  /** A blob callis; undefined for a primary, and for an accepted one before its hello. */
  blob: BlobCallis | undefined = undefined;
  /** The end of the hello exchange, or of lingering; Infinity while active. */
  deadline: number;
  /** RECONNECT stood on the hello of this callis, ours or the peer's. */
  askedReconnect = false;
  /** When our hello left, the peer might never have learned of the session that we hold, or of a blob callis that we had counted. */
  isUnsure = false;
  activeSince = 0;
  /** When it became active, in the domus-wide sequence. */
  activatedSequence = 0;
  lastWriteAt: number;
  lastReadAt: number;
  /** The longest gap between a keepalive of the peer and the frame before it, as far as that tells its interval; 0: unknown. */
  rhythmMs = 0;
  /** When the last frame came, and whether it was a keepalive. */
  private frameAt: number;
  private wasKeepalive = false;
  /** When a message was first written since the last bytes came, or since all was answered. */
  askedAt = 0;
  /** Nothing has come for too long: another primary is to take its place. */
  isSilent = false;
  /** The stream takes no more bytes for now. */
  isBlocked = false;
  /** Since when nothing that was written has been flushed, while something is to be; NEVER otherwise. */
  unflushedSince: number = NEVER;
  /** Nothing has been flushed for so long that fresh work goes elsewhere, if it can. */
  stalled = false;
  /** Ids of the messages whose payloads the stream still refers to, in the order of its writes: senders may not have them back. */
  readonly attached: number[] = [];
  /** An answer to own work has come on it, or it has lived for a while. */
  madeProgress = false;

  owesHello = false;
  owesHelloResponse = false;
  /** Flags of the hello-response that is owed. */
  responseFlags = 0;
  /** Id of the hello that the response echoes. */
  helloId = 0;
  /** A hello that waits until the own one is answered. */
  heldHello: HeldHello | undefined = undefined;
  owesKeepalive = false;
  /** A keepalive is written unless the next flush has something better. */
  wantsNudge = false;
  owesClose = false;
  /** `finish` was told: everything that it owed is written. */
  finished = false;
  owedError: OwedError | undefined = undefined;

  constructor(serial: number, dialled: boolean, nudges: boolean, beganSequence: number, now: number, deadline: number) {
    this.serial = serial;
    this.dialled = dialled;
    this.nudges = nudges;
    this.beganSequence = beganSequence;
    this.phase = dialled ? 'greeting' : 'awaiting-hello';
    this.owesHello = dialled;
    this.lastWriteAt = now;
    this.lastReadAt = now;
    this.frameAt = now;
    this.deadline = deadline;
  }

  become(phase: Phase): void {
    if (!TRANSITIONS[this.phase].includes(phase)) throw new Error(`callis cannot go from ${this.phase} to ${phase}`);
    this.phase = phase;
  }

  /** Does this callis owe a frame of its own? */
  get owes(): boolean {
    return (
      this.owesHello || this.owesHelloResponse || this.owesKeepalive || this.owesClose || this.owedError !== undefined
    );
  }

  /** Bytes have come: it is not silent, or no more. */
  noteRead(now: number): void {
    this.lastReadAt = now;
    this.isSilent = false;
  }

  /**
   * A frame has come. A keepalive right behind another frame says nothing about the interval of the peer, since it may be a
   * nudge; behind another keepalive, or after a while, it does.
   */
  noteFrame(isKeepalive: boolean, now: number): void {
    const gapMs = now - this.frameAt;
    if (isKeepalive && (gapMs >= LEAST_RHYTHM_MS || this.wasKeepalive))
      this.rhythmMs = Math.max(this.rhythmMs, gapMs, LEAST_RHYTHM_MS);
    this.frameAt = now;
    this.wasKeepalive = isKeepalive;
  }

  /** Work that it has carried is unanswered. */
  get isOwed(): boolean {
    return this.carried.count > 0;
  }

  /** A message is about to be written. */
  noteAsked(now: number): void {
    if (!this.isOwed || this.askedAt <= this.lastReadAt) this.askedAt = now;
  }

  /** When the silence of the peer is to be noticed, or Infinity. */
  private silentAt(): number {
    if (this.blob !== undefined || this.isSilent) return NEVER;
    if (this.rhythmMs > 0) return this.lastReadAt + Math.max(LEAST_SILENCE_MS, this.rhythmMs * SILENCE_FACTOR);
    return this.isOwed ? Math.max(this.lastReadAt, this.askedAt) + ASSUMED_RHYTHM_MS * SILENCE_FACTOR : NEVER;
  }

  /** Bytes were given to the stream, and wait to be flushed. */
  noteWritten(now: number): void {
    if (this.unflushedSince === NEVER) this.unflushedSince = now;
  }

  /** Some of them were flushed. */
  noteFlushed(now: number): void {
    this.unflushedSince = now;
    this.stalled = false;
  }

  /** All of them were flushed. */
  noteAllFlushed(): void {
    this.unflushedSince = NEVER;
    this.stalled = false;
  }

  /** The peer may count it as a primary, or may have done so: it was one here, or its hello has left. */
  get mayHaveServed(): boolean {
    return this.blob === undefined && (this.activatedSequence > 0 || (this.dialled && !this.owesHello));
  }

  get isActivePrimary(): boolean {
    return this.phase === 'active' && this.blob === undefined;
  }

  /** True once it serves the session no more. */
  get isOver(): boolean {
    return this.phase === 'leaving' || this.phase === 'ended';
  }

  /**
   * When `judge` has something to say next, or Infinity. `alone`: the session has no other active callis of its kind.
   */
  dueAt(settings: DeliverySettings, alone: boolean): number {
    if (this.phase !== 'active') return this.deadline;
    return Math.min(this.writeDueAt(settings, alone), this.silentAt());
  }

  private writeDueAt(settings: DeliverySettings, alone: boolean): number {
    const { unflushedSince } = this;
    const { keepaliveIntervalMs } = settings;
    if (unflushedSince !== NEVER)
      return unflushedSince + (this.stalled ? giveUpAfter(settings, alone) : stallsAfter(settings));
    return keepaliveIntervalMs > 0 && this.blob === undefined ? this.lastWriteAt + keepaliveIntervalMs : NEVER;
  }

  /** What its time has come for. */
  judge(now: number, settings: DeliverySettings, alone: boolean): Judgement {
    if (this.phase === 'ended' || this.dueAt(settings, alone) > now) return 'nothing';
    if (this.phase !== 'active') return 'expired';
    if (this.silentAt() <= now) return 'silent';
    if (this.unflushedSince === NEVER) return 'keepalive';
    return this.unflushedSince + giveUpAfter(settings, alone) <= now ? 'write-stalled' : 'stalled';
  }
}

/** What the passing of time means for a callis. */
export type Judgement =
  | 'nothing'
  /** The hello exchange, or lingering, took too long. */
  | 'expired'
  /** Nothing was written for `keepaliveInterval`. */
  | 'keepalive'
  /** Nothing has come from the peer for too long. */
  | 'silent'
  /** Fresh work should take another way. */
  | 'stalled'
  /** Nothing was flushed for so long that it counts as lost. */
  | 'write-stalled';

function stallsAfter(settings: DeliverySettings): number {
  return Math.min(STALLED_AFTER_MS, settings.sendTimeoutMs);
}

/** Beside another primary it is given up early enough for its work to be replayed there in time. */
function giveUpAfter(settings: DeliverySettings, alone: boolean): number {
  return alone ? settings.sendTimeoutMs : settings.sendTimeoutMs / 2;
}
