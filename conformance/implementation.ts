/** What the suite asks of an implementation of the wire. Whoever writes these two interfaces can run every case. */
import type { PemMaterial } from '@flaminia/certificates';
import type { DomusAddr, ErrorKind } from '@flaminia/transport-a0';
import type { Temper } from './frames.ts';

/** A program or library under test. */
export interface Implementation {
  readonly name: string;
  /** Opens a domus that listens at its address and authenticates itself with the material. */
  open(opening: Opening): Promise<Subject>;
}

export interface Opening {
  readonly address: DomusAddr;
  readonly material: PemMaterial;
  readonly config: SubjectConfig;
  /** To be told of each request that a handler sees, in the order in which it sees them. */
  received(taberna: bigint, message: SeenMessage): void;
}

/** Settings by the names and units of docs/protocol/config.md; what is absent keeps the implementation's default. */
export interface SubjectConfig {
  readonly sendQueueSize?: number;
  readonly sendTimeout?: number;
  readonly callisConnectTimeout?: number;
  readonly acceptTimeout?: number;
  readonly tabernaAcceptQueueSize?: number;
  readonly keepaliveInterval?: number;
  readonly listenerDelay?: number;
  readonly listenerReconnectTimeout?: number;
  readonly reconnectBackoff?: readonly number[];
  readonly maxParallelCallisPerPeer?: number;
  readonly maxPayloadLen?: number;
}

export interface SeenMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** What became of a send. */
export type Outcome = 'accepted' | ErrorKind;

export interface Order {
  readonly to: DomusAddr;
  readonly taberna: bigint;
  readonly payload: Uint8Array;
}

/** A domus that is open. */
export interface Subject {
  /** Registers a taberna. */
  taberna(id: bigint, temper: Exclude<Temper, 'unknown'>): Promise<void>;
  /** Sends a message of type 0x0100_0000; resolves with what became of it. */
  send(order: Order): Promise<Outcome>;
  /** Decides the oldest undecided request that a `hold` taberna has taken. */
  decide(taberna: bigint, decision: Decision): Promise<void>;
  /** Shuts the domus down gracefully; resolves when it is down. */
  shutdown(): Promise<void>;
  /** Ends it, however it stands. Idempotent, and right behind `shutdown` too. */
  stop(): Promise<void>;
}

/** `drop`: the program lets go of the request without a decision. */
export type Decision = 'accept' | 'reject' | 'drop';
