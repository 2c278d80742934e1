/** What the ids of chunks and completes stand for while they are unanswered: a stream of the session, and a slot of its ring. */
import { IdTable } from './id-table.ts';
import type { InboundBlob } from './inbound-blob.ts';
import type { OutboundBlob } from './outbound-blob.ts';

// An id stands for the index of its stream and the slot of the chunk.
const SLOT_BITS = 12;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const MOST_STREAMS = 1 << 17;

export type Stream = OutboundBlob | InboundBlob;

export class StreamSlots {
  private readonly streams: (Stream | undefined)[] = [];
  private readonly freeIndexes: number[] = [];
  private readonly unanswered: IdTable;

  constructor(salt: number) {
    this.unanswered = new IdTable(salt);
  }

  /** Gives the stream an index; false where there are too many. */
  enlist(stream: Stream): boolean {
    const index = this.freeIndexes.pop() ?? this.streams.length;
    if (index >= MOST_STREAMS) return false;
    this.streams[index] = stream;
    stream.index = index;
    return true;
  }

  delist(stream: Stream): void {
    if (stream.index < 0) return;
    this.streams[stream.index] = undefined;
    this.freeIndexes.push(stream.index);
    stream.index = -1;
  }

  has(id: number): boolean {
    return this.unanswered.get(id) >= 0;
  }

  /** From now on the id stands for a slot (0 to 4,095) of this stream. */
  track(id: number, index: number, slot: number): void {
    this.unanswered.add(id, (index << SLOT_BITS) | slot);
  }

  forget(id: number): void {
    this.unanswered.delete(id);
  }

  /** Forgets the id and returns what it stood for, for `streamOf` and `slotOf`; negative where it was nothing. */
  take(id: number): number {
    return this.unanswered.delete(id);
  }

  streamOf(entry: number): Stream | undefined {
    return this.streams[entry >> SLOT_BITS];
  }

  slotOf(entry: number): number {
    return entry & SLOT_MASK;
  }
}
