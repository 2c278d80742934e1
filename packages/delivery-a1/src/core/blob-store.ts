/**
 * The memory of an incoming blob stream: where each chunk of the window lies until its program has read it. Chunks that
 * follow each other lie side by side as far as a block reaches, so that many small ones are read as one piece.
 *
 * 1. A block is taken when the first of its chunks comes, and let go when the last of them was read.
 * 2. A place is landed on once. Whoever sends a chunk again gets other memory, since the program may have read the first.
 */
import { type Landing, Region } from '../wire/landing.ts';
import { rawBytes } from '../wire/memory.ts';
import type { BlobNumbers } from './blob-numbers.ts';

/** Small chunks share a block of about this size. */
const BLOCK_BYTES = 64 * 1024;

/** Where the chunks of a stream lie until they are read. */
export interface ChunkStore {
  /** Memory for a chunk that is about to arrive. */
  landing(chunkId: number, length: number): Landing;
  /** A chunk has come whole. */
  landed(chunkId: number, landing: Landing, length: number): void;
  /** Gives out the next bytes: of chunk `first`, and of others behind it before `end`. */
  read(first: number, end: number): Buffer;
  /** Every chunk before this one was given out. */
  readonly given: number;
}

const USED = 1;
const APART = 2;

export class BlobStore implements ChunkStore {
  given = 0;
  private readonly chunkBytes: number;
  private readonly window: number;
  private readonly perBlock: number;
  private readonly blocks: (Buffer | undefined)[];
  /** By slot: was its place landed on, and does the chunk lie elsewhere? */
  private readonly marks: Uint8Array;
  private readonly lengths: Uint32Array;
  private readonly apart: Map<number, Buffer> = new Map();

  constructor({ chunkBytes, window }: BlobNumbers) {
    this.chunkBytes = chunkBytes;
    this.window = window;
    this.perBlock = Math.max(1, Math.min(window, Math.floor(BLOCK_BYTES / chunkBytes)));
    // The window may begin in the middle of a block.
    this.blocks = new Array<Buffer | undefined>(Math.ceil(window / this.perBlock) + 1).fill(undefined);
    this.marks = new Uint8Array(window);
    this.lengths = new Uint32Array(window);
  }

  /** Memory for a chunk that is about to arrive. */
  landing(chunkId: number, length: number): Region {
    const slot = chunkId % this.window;
    if (this.marks[slot] !== 0) return new Region(rawBytes(length), 0);
    this.marks[slot] = USED;
    // A chunk that has a block to itself takes no more than it needs.
    const bytes = this.blockOf(chunkId) ?? this.newBlock(chunkId, this.perBlock === 1 ? length : this.chunkBytes);
    return new Region(bytes, (chunkId % this.perBlock) * this.chunkBytes);
  }

  /** A chunk lies where it landed. */
  landed(chunkId: number, landing: Landing, length: number): void {
    const bytes = (landing as Region).bytes as Buffer;
    const slot = chunkId % this.window;
    this.lengths[slot] = length;
    if (bytes === this.blockOf(chunkId)) return;
    this.marks[slot] = APART;
    this.apart.set(chunkId, bytes);
  }

  read(first: number, end: number): Buffer {
    this.given = this.runEnd(first, end);
    return this.take(first, this.given);
  }

  /** Bytes of a chunk that lies here. */
  private lengthOf(chunkId: number): number {
    return this.lengths[chunkId % this.window]!;
  }

  /** The end of the run of chunks from `first` on, before `end`, that lie side by side. */
  private runEnd(first: number, end: number): number {
    if (this.isApart(first)) return first + 1;
    const blockEnd = Math.min(end, (Math.floor(first / this.perBlock) + 1) * this.perBlock);
    let id = first + 1;
    while (id < blockEnd && this.lengthOf(id - 1) === this.chunkBytes && !this.isApart(id)) id++;
    return id;
  }

  /** Gives out the bytes of a run, whose chunks are forgotten here. */
  private take(first: number, end: number): Buffer {
    const bytes = this.bytesOf(first, end);
    for (let id = first; id < end; id++) {
      this.marks[id % this.window] = 0;
      if (id % this.perBlock === this.perBlock - 1) this.blocks[this.blockIndex(id)] = undefined;
    }
    return bytes;
  }

  private bytesOf(first: number, end: number): Buffer {
    const apart = this.apart.get(first);
    if (apart !== undefined) {
      this.apart.delete(first);
      return apart;
    }
    const at = (first % this.perBlock) * this.chunkBytes;
    return this.blockOf(first)!.subarray(at, at + (end - 1 - first) * this.chunkBytes + this.lengthOf(end - 1));
  }

  private isApart(chunkId: number): boolean {
    return this.marks[chunkId % this.window] === APART;
  }

  private blockIndex(chunkId: number): number {
    return Math.floor(chunkId / this.perBlock) % this.blocks.length;
  }

  private blockOf(chunkId: number): Buffer | undefined {
    return this.blocks[this.blockIndex(chunkId)];
  }

  private newBlock(chunkId: number, bytesEach: number): Buffer {
    const block = rawBytes(this.perBlock * bytesEach);
    this.blocks[this.blockIndex(chunkId)] = block;
    return block;
  }
}
