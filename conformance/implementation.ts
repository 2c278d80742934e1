/** What the suite asks of an implementation of the wire. Whoever writes these two interfaces can run every case. */
import type { PemMaterial } from '@flaminia/certificates';
import type { DomusAddr, ErrorKind } from '@flaminia/transport-a0';
import type { BlobTemper, Temper } from './frames.ts';

/** A program or library under test. */
export interface Implementation {
  readonly name: string;
  /** It forgets a peer whose close has come, so that a later case may use the address again. Default: it may not. */
  readonly forgetsAtClose?: true;
  /** Opens a domus that listens at its address and authenticates itself with the material. */
  open(opening: Opening): Promise<Subject>;
}

export interface Opening {
  readonly address: DomusAddr;
  readonly material: PemMaterial;
  readonly config: SubjectConfig;
  /** To be told of each request that a handler sees, in the order in which it sees them. */
  received(taberna: bigint, message: SeenMessage): void;
  /** To be told when a taberna has done with a blob. */
  blobRead(taberna: bigint, reading: BlobReading): void;
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
  readonly blobWindow?: { readonly chunkSize: number; readonly ackWindow: number };
  readonly blobOutboundBufferBytes?: number;
  readonly blobInboundBufferBytes?: number;
}

export interface SeenMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** What became of a send. */
export type Outcome = 'accepted' | ErrorKind;

/** What became of a blob that it sends: `whole` when the far side has all of it, `dropped` when it was told to give it up. */
export type BlobOutcome = 'whole' | 'dropped' | ErrorKind;

/** What a taberna has read of a blob. */
export interface BlobReading {
  /** The first eight bytes of the message that opened it, as a number. */
  readonly number: number;
  readonly bytes: number;
  /** Of the bytes read, in hex. */
  readonly sha256: string;
  readonly end: BlobOutcome;
}

/** A blob to send: the content is that of interop/seeded-bytes.ts, by its number. */
export interface BlobOrder {
  readonly to: DomusAddr;
  readonly taberna: bigint;
  /** The first eight bytes of the message that opens it. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Writes so many bytes, and waits to be told how to go on. */
  readonly stopAfterBytes?: number;
}

export interface Order {
  readonly to: DomusAddr;
  readonly taberna: bigint;
  readonly payload: Uint8Array;
}

/** A domus that is open. */
export interface Subject {
  /** Registers a taberna. */
  taberna(id: bigint, temper: Exclude<Temper, 'unknown'> | BlobTemper): Promise<void>;
  /** Sends a message of type 0x0100_0000; resolves with what became of it. */
  send(order: Order): Promise<Outcome>;
  /** Sends a blob in a message of type 0x0100_0000; resolves with what became of it. */
  sendBlob(order: BlobOrder): Promise<BlobOutcome>;
  /** Tells a blob that has stopped, as sender or in a `blob-sleeper` taberna, to go on or to be given up. */
  orderBlob(side: 'sending' | 'reading', number: number, order: 'go-on' | 'drop'): Promise<void>;
  /** Decides the oldest undecided request that a `hold` or `blob-hold` taberna has taken. */
  decide(taberna: bigint, decision: Decision): Promise<void>;
  /** Shuts the domus down gracefully; resolves when it is down. */
  shutdown(): Promise<void>;
  /** Ends it, however it stands. Idempotent, and right behind `shutdown` too. */
  stop(): Promise<void>;
}

/** `drop`: the program lets go of the request without a decision. */
export type Decision = 'accept' | 'reject' | 'drop';
