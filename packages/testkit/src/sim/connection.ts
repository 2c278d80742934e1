/**
 * A virtual connection: two ends, a pipe in each direction. Owns no decision; `network.ts` moves its bytes, and whoever
 * stands at an end is a `Party`.
 */
import type { Callis, PeerSession } from '@flaminia/delivery-a1/internal';
import { Pipe } from './pipe.ts';

/** Whoever dials and is dialled on the virtual network: a simulated domus, or the raw peer of a hostile test. */
export interface Party {
  readonly index: number;
  readonly address: string;
  /** False once it has crashed or been shut down. */
  readonly isUp: boolean;
  /** Takes inbound connections. */
  readonly isListening: boolean;
  /** It does nothing before this time (a stopped process, a blocked event loop). */
  readonly pausedUntil: number;
  /** AUTH_CHALLENGE leaves now: the number that orders it among activations (a1-delivery, primary callis). */
  nextChallenge(): number;
  /** An inbound connection has passed A0. */
  accept(end: End, challenge: number, from: string): void;
  /** Bytes in order, in memory of the reader's own. */
  bytes(end: End, chunk: Buffer): void;
  /** The other side has ended its direction, or the connection is lost. */
  ended(end: End, detail: string): void;
  /** What was written has left the queue. */
  drained(end: End): void;
}

/** One end of a connection, and what its party keeps there. */
export class End {
  readonly connection: Connection;
  readonly party: Party;
  readonly isDialler: boolean;
  /** What this end writes, and what arrives at it. */
  outward!: Pipe<End>;
  inward!: Pipe<End>;
  /** Neither reads nor writes any more. */
  closed = false;
  /** Its party reads; before that, what arrives waits. */
  joined = false;
  /** The machine has told to end this direction behind what is written. */
  finishing = false;
  /** The machine behind it is gone without a word: nothing answers, not even with a reset. */
  vanished = false;

  /** In the time of the world: when its party began to read, last wrote and last read, and the longest pause between two reads. */
  joinedAt = 0;
  writtenAt = 0;
  readAt = 0;
  longestGap = 0;
  /** Since when its writes do not drain, while they do not; and when they last did again. */
  blockedAt = 0;
  drainedAt = 0;
  /** Close was written here, or an error that says why it ends. */
  saidWhy = false;
  /** When its callis became no primary any more, in the time of its domus. */
  leftAt = -1;
  /** The life of the session in which bytes were last read here. */
  readInEpoch = -1;

  session: PeerSession | undefined = undefined;
  callis: Callis | undefined = undefined;

  constructor(connection: Connection, party: Party, isDialler: boolean) {
    this.connection = connection;
    this.party = party;
    this.isDialler = isDialler;
  }

  get other(): End {
    return this.isDialler ? this.connection.listener : this.connection.dialler;
  }

  toString(): string {
    return `#${this.connection.id} ${this.party.index}->${this.other.party.index}`;
  }
}

export class Connection {
  readonly id: number;
  readonly dialler: End;
  readonly listener: End;
  readonly ends: readonly [End, End];

  constructor(id: number, by: Party, to: Party) {
    this.id = id;
    this.dialler = new End(this, by, true);
    this.listener = new End(this, to, false);
    this.ends = [this.dialler, this.listener];
    const there = new Pipe<End>(this.listener);
    const back = new Pipe<End>(this.dialler);
    this.dialler.outward = there;
    this.dialler.inward = back;
    this.listener.outward = back;
    this.listener.inward = there;
  }

  /** True while at least one end may still do something with it. */
  get isAlive(): boolean {
    return !this.dialler.closed || !this.listener.closed;
  }
}
