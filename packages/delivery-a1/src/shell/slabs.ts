/**
 * The buffers that frames are encoded into, shared by all calles of a domus. Writes take regions of the current slab one
 * behind the other; a slab is used again once every write from it has been flushed, since the system may still read it.
 */
import { viewOf, WriteBatch } from '../wire/encode.ts';

const SLAB_BYTES = 64 * 1024;
/** A region begins only where so much is left: a batch of one frame would waste the write. */
const LEAST_REGION_BYTES = 16 * 1024;
/** Free slabs that are kept for the next burst. */
const KEPT_SLABS = 8;

class Slab {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  readonly view: DataView = viewOf(this.bytes);
  used = 0;
  /** Writes from it that have not been flushed. */
  pending = 0;
  readonly flushed: () => void;

  /** The last region at the start. */
  private first: Buffer = this.bytes.subarray(0, 0);

  constructor(pool: SlabPool) {
    this.flushed = () => pool.flushed(this);
  }

  /** The bytes from `start` to `end`. A peer in a quiet conversation gets the same region again and again. */
  region(start: number, end: number): Buffer {
    if (start > 0) return this.bytes.subarray(start, end);
    if (this.first.length !== end) this.first = this.bytes.subarray(0, end);
    return this.first;
  }
}

export class SlabPool {
  private readonly batch = new WriteBatch(Buffer.alloc(0));
  private current: Slab = new Slab(this);
  private readonly free: Slab[] = [];
  /** A batch is being filled. */
  isOpen = false;

  /** An empty batch at the next free region, open until `close`. One is open at a time: a second would hold frames of both. */
  open(): WriteBatch {
    if (this.isOpen) throw new Error('a batch is being filled: the machine was entered from inside itself');
    this.isOpen = true;
    if (SLAB_BYTES - this.current.used < LEAST_REGION_BYTES) this.current = this.free.pop() ?? new Slab(this);
    const { current, batch } = this;
    batch.moveTo(current.bytes, current.view, current.used);
    return batch;
  }

  /** Nothing more is put into the batch. */
  close(): void {
    this.isOpen = false;
  }

  /** Takes what the batch holds: the bytes to write. Call `onFlushed` once they are flushed. */
  take(): Buffer {
    const { current, batch } = this;
    current.used = batch.length;
    current.pending++;
    return current.region(batch.start, batch.length);
  }

  /** The callback of the write that the last `take` was for. */
  get onFlushed(): () => void {
    return this.current.flushed;
  }

  /** A write from this slab was flushed. */
  flushed(slab: Slab): void {
    slab.pending--;
    if (slab.pending > 0) return;
    slab.used = 0;
    if (slab !== this.current && this.free.length < KEPT_SLABS) this.free.push(slab);
  }
}
