/** Frames of one size, gathered in a slab that goes out in one write. */
import type { Writable } from 'node:stream';

/** Four TLS records; larger slabs measured slower, since the receiver then waits for the whole of one. */
const SLAB_BYTES = 64 * 1024;

/** A slab with its two faces. Recycled in its write callback only: until then the system may still read it. */
interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where the next frame goes, and the write that sends all of them. */
export class SlabWriter {
  readonly #stream: Writable;
  readonly #frameBytes: number;
  readonly #capacity: number;
  readonly #free: Slab[] = [];
  #slab: Slab;
  #used = 0;

  constructor(stream: Writable, frameBytes: number) {
    this.#stream = stream;
    this.#frameBytes = frameBytes;
    this.#capacity = Math.max(1, Math.floor(SLAB_BYTES / frameBytes)) * frameBytes;
    this.#slab = this.#take();
  }

  get bytes(): Uint8Array {
    return this.#slab.bytes;
  }

  get view(): DataView {
    return this.#slab.view;
  }

  /** Claims room for one frame and returns its offset. Ask for `bytes` and `view` afterwards: the slab may be a new one. */
  claim(): number {
    if (this.#used === this.#capacity) this.flush();
    const at = this.#used;
    this.#used += this.#frameBytes;
    return at;
  }

  /** Writes what was claimed since the last flush. */
  flush(): void {
    if (this.#used === 0) return;
    const slab = this.#slab;
    this.#stream.write(slab.bytes.subarray(0, this.#used), () => this.#free.push(slab));
    this.#slab = this.#take();
    this.#used = 0;
  }

  #take(): Slab {
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    const bytes = Buffer.alloc(this.#capacity);
    return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
  }
}
