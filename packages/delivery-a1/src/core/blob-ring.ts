/**
 * The memory of an outgoing blob stream: a place for each slot of its window, with room for the head of the frame in front
 * of the bytes. Chunks that follow each other lie side by side, so that many small ones leave in one write and none is
 * copied twice.
 *
 * 1. Memory is taken piece by piece, when the first slot of one is used, and given back when its last slot is free.
 * 2. Bytes that a write refers to are changed only when the peer has answered for them: `detach` sees to that where it may have got them
 *    in another write.
 */
import { CHUNK_FRAME_BYTES, putChunkHead } from '../wire/chunk.ts';
import type { Piece, PiecePool } from './blob-pieces.ts';

/** Slots share a piece of at most this size, or have one each. */
const PIECE_BYTES = 192 * 1024;

/** Frames that lie ready for a write, which says when they have left. */
export interface ReadyFrames {
  readonly bytes: Buffer;
  readonly flushed: () => void;
}

export class BlobRing {
  private readonly stride: number;
  private readonly perPiece: number;
  private readonly window: number;
  private readonly pieces: (Piece | undefined)[];
  private readonly pool: PiecePool;
  /** By slot: does it hold a chunk? */
  private readonly taken: Uint8Array;

  constructor(chunkBytes: number, window: number, pool: PiecePool) {
    this.pool = pool;
    this.stride = CHUNK_FRAME_BYTES + chunkBytes;
    this.window = window;
    this.taken = new Uint8Array(window);
    // Alike, so that the last one has no more places than it needs.
    const pieces = Math.ceil(window / Math.max(1, Math.floor(PIECE_BYTES / this.stride)));
    this.perPiece = Math.ceil(window / pieces);
    this.pieces = new Array<Piece | undefined>(pieces).fill(undefined);
  }

  /** Copies `length` bytes into the chunk of a slot, `at` bytes behind its beginning. */
  put(slot: number, at: number, from: Uint8Array, start: number, length: number): void {
    const { bytes } = this.pieceOf(slot);
    // A view of exactly these: `subarray` of a Buffer costs more.
    const source = new Uint8Array(from.buffer, from.byteOffset + start, length);
    bytes.set(source, this.offsetOf(slot) + CHUNK_FRAME_BYTES + at);
  }

  /** Writes the head of the frame in front of the chunk of a slot. */
  putHead(slot: number, id: number, streamId: number, chunkId: number, flags: number, length: number): void {
    putChunkHead(this.pieceOf(slot).view, this.offsetOf(slot), id, streamId, chunkId, flags, length);
  }

  /** Does the place of the next slot begin where a full chunk in this one ends? */
  isFollowed(slot: number): boolean {
    return slot + 1 < this.window && (slot + 1) % this.perPiece !== 0;
  }

  /** The frames of some slots that follow each other, the last with a chunk of so many bytes. */
  frames(first: number, last: number, lastLength: number): ReadyFrames {
    const piece = this.pieceOf(first);
    piece.writes++;
    const bytes = piece.bytes.subarray(this.offsetOf(first), this.offsetOf(last) + CHUNK_FRAME_BYTES + lastLength);
    return { bytes, flushed: piece.flushed };
  }

  /** The bytes of the chunk of a slot. */
  chunk(slot: number, length: number): Uint8Array {
    const from = this.offsetOf(slot) + CHUNK_FRAME_BYTES;
    return this.pieceOf(slot).bytes.subarray(from, from + length);
  }

  /** The chunk of a slot is not needed any more. */
  release(slot: number): void {
    if (this.taken[slot] === 0) return;
    this.taken[slot] = 0;
    const index = Math.floor(slot / this.perPiece);
    const piece = this.pieces[index]!;
    if (--piece.taken > 0) return;
    this.pieces[index] = undefined;
    this.pool.give(piece);
  }

  /**
   * Chunks are to be written again that a write elsewhere may still refer to: answered there, their places would be filled anew under it.
   * It keeps its memory, and they move.
   */
  detach(): void {
    for (let index = 0; index < this.pieces.length; index++) {
      const piece = this.pieces[index];
      if (piece === undefined || piece.writes === 0) continue;
      const copy = this.pool.take(piece.bytes.length);
      copy.bytes.set(piece.bytes);
      copy.taken = piece.taken;
      this.pieces[index] = copy;
    }
  }

  private offsetOf(slot: number): number {
    return (slot % this.perPiece) * this.stride;
  }

  /** The memory of a slot, which holds a chunk from now on. */
  private pieceOf(slot: number): Piece {
    const index = Math.floor(slot / this.perPiece);
    let piece = this.pieces[index];
    if (piece === undefined) {
      piece = this.pool.take(this.perPiece * this.stride);
      this.pieces[index] = piece;
    }
    if (this.taken[slot] === 0) {
      this.taken[slot] = 1;
      piece.taken++;
    }
    return piece;
  }
}
