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
import { SlotList } from './lane.ts';
import { type DeliverySettings, STALLED_AFTER_MS } from './settings.ts';

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
  readonly beganAt: number;
  readonly decoder: FrameDecoder = new FrameDecoder();
  /** What this callis has carried and nobody has answered, by lane. */
  readonly carriedA2: SlotList = new SlotList();
  readonly carriedA3: SlotList = new SlotList();

  /** For the driver: the stream that it keeps for this callis. */
  driver: unknown = undefined;

  phase: Phase;
  /** The end of the hello exchange, or of lingering; Infinity while active. */
  deadline: number;
  /** RECONNECT stood on our hello. */
  askedReconnect = false;
  activeSince = 0;
  lastWriteAt: number;
  lastReadAt: number;
  /** When the stream stopped taking bytes; 0 while it drains. */
  blockedSince = 0;
  /** It has been blocked for so long that fresh work goes elsewhere, if it can. */
  stalled = false;
  /** An answer to own work has come on it, or it has lived for a while. */
  madeProgress = false;

  owesHello = false;
  owesHelloResponse = false;
  /** Flags of the hello-response that is owed. */
  responseFlags = 0;
  /** Id of the hello that the response echoes. */
  helloId = 0;
  owesKeepalive = false;
  /** A keepalive is written unless the next flush has something better. */
  wantsNudge = false;
  owesClose = false;
  /** `finish` was told: everything that it owed is written. */
  finished = false;
  owedError: OwedError | undefined = undefined;

  constructor(serial: number, dialled: boolean, nudges: boolean, beganAt: number, now: number, deadline: number) {
    this.serial = serial;
    this.dialled = dialled;
    this.nudges = nudges;
    this.beganAt = beganAt;
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

  /** The stream takes bytes again. */
  unblock(): void {
    this.blockedSince = 0;
    this.stalled = false;
  }

  /** When `judge` has something to say next, or Infinity. */
  dueAt(settings: DeliverySettings): number {
    if (this.phase !== 'active') return this.deadline;
    const { blockedSince } = this;
    if (blockedSince !== 0)
      return (
        blockedSince + (this.stalled ? settings.sendTimeoutMs : Math.min(STALLED_AFTER_MS, settings.sendTimeoutMs))
      );
    return settings.keepaliveIntervalMs > 0
      ? this.lastWriteAt + settings.keepaliveIntervalMs
      : Number.POSITIVE_INFINITY;
  }

  /** What its time has come for. */
  judge(now: number, settings: DeliverySettings): Judgement {
    if (this.phase === 'ended' || this.dueAt(settings) > now) return 'nothing';
    if (this.phase !== 'active') return 'expired';
    if (this.blockedSince === 0) return 'keepalive';
    return this.blockedSince + settings.sendTimeoutMs <= now ? 'write-stalled' : 'stalled';
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
  /** Nothing has drained for `sendTimeout`: it counts as lost. */
  | 'write-stalled';
