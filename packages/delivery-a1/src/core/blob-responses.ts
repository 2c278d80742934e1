/**
 * What one peer is owed on its blob calles: acks and errors for its chunks, and errors that name a stream
 * (a1-blobs, limits). Any blob callis carries them.
 *
 * 1. At most one response for an id waits; a second one is dropped and logged (1005, 1006).
 * 2. A response that finds its lane full is dropped and counted.
 * 3. Acks of chunks take half of their lane at most, and are withheld while there is no room. The other half is for what cannot wait.
 */
import { IdTable } from './id-table.ts';
import type { InboundBlob } from './inbound-blob.ts';
import { ResponseLane } from './response-lane.ts';
import type { SessionContext } from './session-context.ts';
import { ackLaneCapacity, errorLaneCapacity } from './settings.ts';

export class BlobResponses {
  readonly acks: ResponseLane = new ResponseLane();
  readonly errors: ResponseLane = new ResponseLane();
  private readonly waiting: IdTable;
  /** Streams that have acks for which there is no room, in the order in which they get some. */
  private readonly held: Set<InboundBlob> = new Set();
  private readonly address: string;
  private readonly context: SessionContext;

  constructor(address: string, context: SessionContext) {
    this.address = address;
    this.context = context;
    this.waiting = new IdTable(context.idSalt);
  }

  get size(): number {
    return this.acks.size + this.errors.size;
  }

  /** When the oldest expires, or Infinity. */
  get deadline(): number {
    return Math.min(this.acks.deadline, this.errors.deadline);
  }

  /** Error id 0 is an ack. */
  put(id: number, errorId: number, text: string, now: number): void {
    if (this.waiting.get(id) >= 0) {
      this.context.sink.event({ kind: 'limited-log', id: errorId === 0 ? 1005 : 1006, address: this.address });
      return;
    }
    const { settings } = this.context;
    const isAck = errorId === 0;
    const limit = isAck ? ackLaneCapacity(settings) : errorLaneCapacity(settings);
    const taken = isAck ? this.acks.push(id, now, limit) : this.errors.pushError(id, errorId, text, now, limit);
    if (taken) this.waiting.add(id, 0);
    else this.reportOverrun(isAck, limit);
  }

  /** May this stream ack a chunk? Where there is no room for that, its `ackOn` is called when there is. */
  mayAck(blob: InboundBlob): boolean {
    if (this.hasRoom) return true;
    this.held.add(blob);
    return false;
  }

  /** Nothing of this stream is to be acked any more. */
  forget(blob: InboundBlob): void {
    this.held.delete(blob);
  }

  private get hasRoom(): boolean {
    return 2 * this.acks.size < ackLaneCapacity(this.context.settings);
  }

  /** The oldest of a lane is written, or too old. */
  leave(lane: ResponseLane): void {
    this.waiting.delete(lane.headId);
    lane.shift();
    if (this.held.size > 0) this.ackOn();
  }

  /** The streams take turns: one that needs more room than there is goes behind the others. */
  private ackOn(): void {
    for (const blob of this.held) {
      if (!this.hasRoom) return;
      this.held.delete(blob);
      blob.ackOn();
    }
  }

  expire(now: number): void {
    while (this.acks.deadline <= now) this.leave(this.acks);
    while (this.errors.deadline <= now) this.leave(this.errors);
  }

  clear(): void {
    this.acks.clear();
    this.errors.clear();
    this.waiting.clear();
    this.held.clear();
  }

  private reportOverrun(isAck: boolean, limit: number): void {
    const { counters, sink } = this.context;
    if (isAck) counters.overrunsAck++;
    else counters.overrunsError++;
    const tier = isAck ? 'ack' : 'error';
    sink.event({ kind: 'outbound-queue-overrun', address: this.address, tier, limit, msgType: 0 });
    sink.event({ kind: 'limited-log', id: 1004, address: this.address });
  }
}
