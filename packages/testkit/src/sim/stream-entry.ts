/** One blob stream, as its sender and its receiver know it: the ledger's line for its bytes. */
import type { InboundBlob, OutboundBlob, SendFailure } from '@flaminia/delivery-a1/internal';
import type { Connection } from './connection.ts';
import { RuleBroken } from './rule-broken.ts';

/** Bytes that payloads and streams are cut from: no two places begin alike. */
export const PATTERN: Buffer = Buffer.from(
  Uint32Array.from({ length: 40_000 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1)).buffer,
);

/** The send that opens a stream. */
interface Opening {
  readonly address: string;
  readonly state: 'pending' | 'accepted' | 'failed' | 'abandoned';
  readonly told: number;
  decision: 'none' | 'accepted' | 'refused';
  accepted(): void;
  failed(failure: SendFailure): void;
}

/** The domus (node) that sends it. */
interface Sender {
  readonly isUp: boolean;
}

/** A chunk that was encoded. */
export interface ChunkNote {
  readonly stream: StreamEntry;
  readonly chunkId: number;
  readonly id: number;
}

/** A chunk that is unanswered, and the connection that carried it. */
export interface OpenChunk extends ChunkNote {
  readonly carrier: Connection;
}

/** What became of the chunks of a stream, at each side. */
export class ChunkLedger {
  /** Chunks that are unanswered, and those that were acked, by chunk id. */
  readonly open: Map<number, OpenChunk> = new Map();
  readonly acked: Set<number> = new Set();
  /** Chunks that a lost connection has carried, until they are written again. */
  readonly lost: Set<number> = new Set();
  /** Of chunks that have come: the newest id of each, those that the receiver has acked, and ids that it must ack by now. */
  readonly newestIds: Map<number, number> = new Map();
  readonly answered: Set<number> = new Set();
  readonly owed: Set<number> = new Set();
  /** Ids of refused chunks whose error was lost, and must be said again by now; and those of which that was done. */
  readonly refused: Set<number> = new Set();
  readonly saidAgain: Set<number> = new Set();
  /** Ids that were acked: a chunk that comes again is acked as soon as its head is there. */
  readonly ackedIds: Set<number> = new Set();
  /** Chunks that have come to the receiver. */
  readonly arrived: Set<number> = new Set();
}

export class StreamEntry {
  readonly number: number;
  /** The message that opens it. */
  readonly entry: Opening;
  readonly sender: Sender;
  /** Its bytes are `PATTERN[offset..offset + total]`. */
  readonly offset: number;
  readonly total: number;
  outbound: OutboundBlob | undefined = undefined;
  inbound: InboundBlob | undefined = undefined;
  /** The life of the session that it was opened in, at each side. */
  senderEpoch = 0;
  receiverEpoch = 0;
  /** Bytes that its program has written, and read. */
  written = 0;
  read = 0;
  /** Its program has said that no bytes follow. */
  isEnding = false;
  /** Where each chunk ends, as it was first encoded. */
  readonly ends: number[] = [];
  /** The chunk that was marked as the last, or -1. */
  lastChunk = -1;
  private ledger: ChunkLedger | undefined = undefined;
  /** How often the outcome was seen, at each side. */
  senderTold = 0;
  receiverTold = 0;

  constructor(number: number, entry: Opening, sender: Sender, offset: number, total: number) {
    this.number = number;
    this.entry = entry;
    this.sender = sender;
    this.offset = offset;
    this.total = total;
  }

  /** Made when it is asked for: most streams fail before their first chunk. */
  get chunks(): ChunkLedger {
    this.ledger ??= new ChunkLedger();
    return this.ledger;
  }

  /** Bytes at the front that have come to the receiver whole. */
  get readable(): number {
    const { arrived } = this.chunks;
    let chunk = 0;
    while (arrived.has(chunk)) chunk++;
    return chunk === 0 ? 0 : this.ends[chunk - 1]!;
  }

  /** The next bytes to write, `most` at most. */
  next(most: number): Buffer {
    const from = this.offset + this.written;
    return PATTERN.subarray(from, Math.min(this.offset + this.total, from + most));
  }

  /** Bytes that stand in the stream at `at` must be these. */
  check(bytes: Uint8Array, at: number, where: string): void {
    const from = this.offset + at;
    if (at + bytes.length > this.total || PATTERN.compare(bytes, 0, bytes.length, from, from + bytes.length) !== 0)
      throw new RuleBroken(
        6,
        `stream ${this.number}: ${bytes.length} bytes at ${at} ${where} are not those of the writer`,
      );
  }
}
