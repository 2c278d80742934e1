/**
 * Blob streams from a domus to itself: both ends, with chunks that go from one to the other in memory under the same rules,
 * reservations and limits as over a wire (a1-blobs, limits).
 */
import { type BlobNumbers, bytesOf, ownNumbers } from './blob-numbers.ts';
import { PiecePool } from './blob-pieces.ts';
import { InboundBlob, type InboundHost, TAKEN } from './inbound-blob.ts';
import type { OutboundBlob, OutboundHost } from './outbound-blob.ts';
import type { SendFailure } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';
import { IDLE_STREAM, streamDeclined, streamRefused } from './session-failures.ts';
import { WaitingShare } from './waiting-share.ts';

const NEVER = Number.POSITIVE_INFINITY;
const PEER_UNAVAILABLE = 3;

/** Both ends of a stream. */
interface Pair {
  readonly from: OutboundBlob;
  readonly to: InboundBlob;
  /** Those of the time when its bytes were reserved. */
  readonly numbers: BlobNumbers;
  /** Chunks are being moved: what that sets off goes on there. */
  isMoving: boolean;
}

export class LocalBlobs implements OutboundHost, InboundHost {
  readonly pieces: PiecePool = new PiecePool();
  readonly waiting: WaitingShare;
  private readonly context: SessionContext;
  /** By the id of the message that opens the stream. */
  private readonly pairs: Map<number, Pair> = new Map();
  /** Bytes of all chunks that went from one end to the other. */
  bytesMoved = 0;
  private time = 0;
  /** When to look at all streams: never later than the first has something to do, and perhaps earlier. */
  private dueAt = NEVER;

  constructor(context: SessionContext) {
    this.context = context;
    this.waiting = new WaitingShare(() => context.settings.blobWaitingBytes);
  }

  get size(): number {
    return this.pairs.size;
  }

  noteTime(now: number): void {
    this.time = now;
  }

  /** Is this id the name of a stream? While its message is under way that holds it. */
  holds(id: number): boolean {
    const pair = this.pairs.get(id);
    return pair !== undefined && pair.from.state !== 'asking';
  }

  /** Offers a stream to its taberna; undefined where the bytes that it may hold cannot be reserved. */
  offer(from: OutboundBlob, id: number, address: string): InboundBlob | undefined {
    const { settings, blobsIn, sink } = this.context;
    const numbers = ownNumbers(settings);
    const reservation = blobsIn.reserve(bytesOf(numbers), settings.blobInboundBufferBytes);
    if (reservation === undefined) return undefined;
    from.id = id;
    const to = new InboundBlob(id, address, this, reservation, sink);
    this.pairs.set(id, { from, to, numbers, isMoving: false });
    return to;
  }

  /** The message was refused, or found no room in its taberna. */
  declined(id: number, errorId: number): void {
    this.pairs.get(id)?.to.fail(streamDeclined(errorId));
  }

  outboundAccepted(blob: OutboundBlob): void {
    const { counters } = this.context;
    const { to, numbers } = this.pairs.get(blob.id)!;
    counters.blobsOpenedOut++;
    counters.blobsOpenedIn++;
    to.open(numbers, this.context.settings.blobPiecesFromBytes, this.time);
    this.dueAt = Math.min(this.dueAt, this.idleAt(to));
    blob.open(numbers);
  }

  outboundReady(blob: OutboundBlob, now: number): void {
    this.time = now;
    this.dueAt = Math.min(this.dueAt, blob.quietAt);
    const pair = this.pairs.get(blob.id);
    if (pair === undefined || pair.isMoving) return;
    pair.isMoving = true;
    while (blob.nextChunk !== NEVER && pair.to.state === 'open') blob.give(this.moveTo(pair.to));
    pair.isMoving = false;
  }

  /** The slot stands for the chunk where a wire would have an id. */
  private moveTo(to: InboundBlob): (chunkId: number, slot: number, bytes: Uint8Array, isLast: boolean) => void {
    return (chunkId, slot, bytes, isLast) => {
      const verdict = to.judge(chunkId, bytes.length, isLast, slot);
      if (verdict !== TAKEN) throw new Error(`a local chunk was judged ${verdict}`);
      const landing = to.landing(chunkId, bytes.length);
      landing.take(bytes, 0, bytes.length, false);
      this.bytesMoved += bytes.length;
      const { counters } = this.context;
      counters.chunksOut++;
      counters.chunksIn++;
      counters.blobBytesOut += bytes.length;
      counters.blobBytesIn += bytes.length;
      to.arrived(chunkId, landing, bytes.length, isLast, slot, this.time);
    };
  }

  mayAck(): boolean {
    return true;
  }

  ackChunk(blob: InboundBlob, slot: number): void {
    blob.lastChunkAt = this.time;
    this.pairs.get(blob.id)?.from.chunkAcked(slot, this.time);
  }

  inboundWhole(blob: InboundBlob): void {
    blob.settle();
    this.pairs.get(blob.id)?.from.completed(this.time, () => {});
  }

  outboundAborted(blob: OutboundBlob): void {
    this.pairs.get(blob.id)?.to.fail(streamRefused(PEER_UNAVAILABLE, ''));
  }

  inboundAborted(blob: InboundBlob): void {
    this.pairs.get(blob.id)?.from.fail(streamRefused(PEER_UNAVAILABLE, ''));
  }

  outboundOver(blob: OutboundBlob): void {
    const { counters } = this.context;
    if (blob.state === 'ended') counters.blobsCompleted += 2;
    else if (blob.numbers.window > 0) counters.blobsFailed += 2;
    const pair = this.pairs.get(blob.id);
    if (pair?.from !== blob) return;
    this.pairs.delete(blob.id);
    if (this.pairs.size === 0) this.pieces.keep(0);
    if (blob.state === 'failed') pair.to.fail(blob.failure!);
  }

  inboundFailed(blob: InboundBlob): void {
    const pair = this.pairs.get(blob.id);
    // Before it is accepted the message has its own answer.
    if (pair?.to === blob && blob.state !== 'offered') pair.from.fail(IDLE_STREAM);
    this.pairs.delete(blob.id);
  }

  /** Asked for each message that this domus sends to itself. */
  nextDeadline(): number {
    return this.pairs.size === 0 ? NEVER : this.dueAt;
  }

  tick(now: number): void {
    this.time = now;
    if (now < this.dueAt) return;
    this.dueAt = NEVER;
    for (const { from, to } of [...this.pairs.values()]) {
      if (from.quietAt <= now) from.flush(now);
      const idleAt = this.idleAt(to);
      if (idleAt <= now) to.fail(IDLE_STREAM);
      // The idle limit of those for which it does not run now begins later.
      else this.dueAt = Math.min(this.dueAt, from.quietAt, idleAt, this.idleFrom(now));
    }
  }

  /** Time limits may have changed. */
  settingsChanged(): void {
    this.dueAt = 0;
  }

  private idleAt(to: InboundBlob): number {
    const runs = to.state === 'open' && !to.isWhole && !to.withholdsAcks;
    return runs ? this.idleFrom(to.lastChunkAt) : NEVER;
  }

  private idleFrom(time: number): number {
    return time + 2 * this.context.settings.sendTimeoutMs;
  }

  /** Fails every stream. */
  failAll(failure: SendFailure): void {
    for (const { from } of [...this.pairs.values()]) from.fail(failure);
  }
}
