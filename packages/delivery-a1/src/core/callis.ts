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
import type { BlobNumbers } from './blob-numbers.ts';
import type { Landing } from './blob-store.ts';
import type { InboundBlob } from './inbound-blob.ts';
import { SlotList } from './lane.ts';
import { type DeliverySettings, STALLED_AFTER_MS } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

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
  /** What this callis has carried and nobody has answered, by lane. */
  readonly carriedA2: SlotList = new SlotList();
  readonly carriedA3: SlotList = new SlotList();

  /** For the driver: the stream that it keeps for this callis. */
  driver: unknown = undefined;

  phase: Phase;
  /** A blob callis; undefined for a primary, and for an accepted one before its hello. */
  blob: BlobCallis | undefined = undefined;
  /** The end of the hello exchange, or of lingering; Infinity while active. */
  deadline: number;
  /** RECONNECT stood on the hello of this callis, ours or the peer's. */
  askedReconnect = false;
  /** Our hello was plain although we hold a session: the peer may never have learned of it. */
  isUnsure = false;
  activeSince = 0;
  /** When it became active, in the domus-wide sequence. */
  activatedSequence = 0;
  lastWriteAt: number;
  lastReadAt: number;
  /** The stream takes no more bytes for now. */
  isBlocked = false;
  /** Since when nothing that was written has been flushed, while something is to be; NEVER otherwise. */
  unflushedSince: number = NEVER;
  /** Nothing has been flushed for so long that fresh work goes elsewhere, if it can. */
  stalled = false;
  /** Payloads that the stream still refers to: their senders may not have them back. */
  pendingAttachments = 0;
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

  get isActivePrimary(): boolean {
    return this.phase === 'active' && this.blob === undefined;
  }

  /** True once it serves the session no more. */
  get isOver(): boolean {
    return this.phase === 'leaving' || this.phase === 'ended';
  }

  /** When `judge` has something to say next, or Infinity. `alone`: the session has no other active callis of its kind. */
  dueAt(settings: DeliverySettings, alone: boolean): number {
    if (this.phase !== 'active') return this.deadline;
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
