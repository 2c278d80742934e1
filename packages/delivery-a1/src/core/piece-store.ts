/**
 * The memory of an incoming blob stream of large chunks: what the system has read is kept where it lies, and nothing is copied
 * on the way to the program, which gets a chunk in the pieces in which it came.
 *
 * 1. A piece that is small beside the memory that it would keep alive is copied, so that unread chunks hold no more than about
 *    twice their bytes.
 * 2. Small pieces are gathered in blocks, so that the pieces of a chunk are few, however it was cut.
 */
import type { Landing } from '../wire/landing.ts';
import { rawBytes, viewOfBytes } from '../wire/memory.ts';
import type { BlobNumbers } from './blob-numbers.ts';
import type { ChunkStore } from './blob-store.ts';

/** Pieces below this size are gathered, and those below a quarter of a smaller chunk. */
const GATHERED_BELOW_BYTES = 4096;

const NOTHING = rawBytes(0);

class Pieces implements Landing {
  readonly list: Buffer[] = [];
  private readonly gatheredBelow: number;
  /** Bytes of the chunk that have not come. */
  private rest: number;
  /** Where small pieces lie side by side, up to `filled`; those from `begun` on do not stand in the list yet. */
  private block = NOTHING;
  private begun = 0;
  private filled = 0;

  constructor(length: number, gatheredBelow: number) {
    this.rest = length;
    this.gatheredBelow = gatheredBelow;
  }

  take(from: Uint8Array, at: number, count: number, isOwn: boolean): void {
    if (count < this.gatheredBelow) this.gather(from, at, count);
    else this.add(from, at, count, isOwn);
    this.rest -= count;
    if (this.rest === 0) this.endGathered();
  }

  private add(from: Uint8Array, at: number, count: number, isOwn: boolean): void {
    if (count === 0) return;
    this.endGathered();
    const { buffer, byteOffset } = from;
    if (isOwn && 2 * count > buffer.byteLength) {
      this.list.push(viewOfBytes(from, at, count));
      return;
    }
    const copy = rawBytes(count);
    copy.set(new Uint8Array(buffer, byteOffset + at, count));
    this.list.push(copy);
  }

  private gather(from: Uint8Array, at: number, count: number): void {
    if (this.filled + count > this.block.length) {
      this.endGathered();
      // No more than the chunk may still need.
      this.block = rawBytes(Math.min(this.rest, this.gatheredBelow));
      this.begun = 0;
      this.filled = 0;
    }
    this.block.set(new Uint8Array(from.buffer, from.byteOffset + at, count), this.filled);
    this.filled += count;
  }

  /** What was gathered since the piece before becomes one. */
  private endGathered(): void {
    if (this.begun === this.filled) return;
    const count = this.filled - this.begun;
    this.list.push(count === this.block.length ? this.block : viewOfBytes(this.block, this.begun, count));
    this.begun = this.filled;
  }
}

export class PieceStore implements ChunkStore {
  given = 0;
  private readonly window: number;
  private readonly gatheredBelow: number;
  /** By slot: the pieces of a chunk that has come whole. */
  private readonly chunks: (readonly Buffer[] | undefined)[];
  /** Pieces of the chunk `given` that were given out. */
  private piecesGiven = 0;

  constructor({ chunkBytes, window }: BlobNumbers) {
    this.window = window;
    this.gatheredBelow = Math.min(GATHERED_BELOW_BYTES, chunkBytes >> 2);
    this.chunks = new Array<readonly Buffer[] | undefined>(window).fill(undefined);
  }

  landing(_chunkId: number, length: number): Landing {
    return new Pieces(length, this.gatheredBelow);
  }

  landed(chunkId: number, landing: Landing): void {
    // A copy has no room to grow: chunks may wait for long.
    this.chunks[chunkId % this.window] = (landing as Pieces).list.slice();
  }

  read(first: number): Buffer {
    const slot = first % this.window;
    const list = this.chunks[slot]!;
    const piece = list[this.piecesGiven++] ?? NOTHING;
    this.given = first;
    if (this.piecesGiven < list.length) return piece;
    this.piecesGiven = 0;
    this.chunks[slot] = undefined;
    this.given = first + 1;
    return piece;
  }
}
