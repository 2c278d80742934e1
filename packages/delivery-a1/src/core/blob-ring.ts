/**
 * The memory of an outgoing blob stream: a place for each slot of its window, with room for the head of the frame in front
 * of the bytes. Chunks that follow each other lie side by side, so that many small ones leave in one write and none is
 * copied twice. Taken piece by piece, when a slot is used for the first time.
 */
import { CHUNK_FRAME_BYTES, putChunkHead } from '../wire/chunk.ts';
import { viewOf } from '../wire/encode.ts';
import { rawBytes } from '../wire/memory.ts';

/** Slots share a piece of about this size. */
const PIECE_BYTES = 192 * 1024;

interface Piece {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export class BlobRing {
  private readonly stride: number;
  private readonly perPiece: number;
  private readonly window: number;
  private readonly pieces: (Piece | undefined)[];

  constructor(chunkBytes: number, window: number) {
    this.stride = CHUNK_FRAME_BYTES + chunkBytes;
    this.window = window;
    this.perPiece = Math.max(1, Math.min(window, Math.floor(PIECE_BYTES / this.stride)));
    this.pieces = new Array<Piece | undefined>(Math.ceil(window / this.perPiece)).fill(undefined);
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
  frames(first: number, last: number, lastLength: number): Buffer {
    const { bytes } = this.pieceOf(first);
    return bytes.subarray(this.offsetOf(first), this.offsetOf(last) + CHUNK_FRAME_BYTES + lastLength);
  }

  /** The bytes of the chunk of a slot. */
  chunk(slot: number, length: number): Uint8Array {
    const from = this.offsetOf(slot) + CHUNK_FRAME_BYTES;
    return this.pieceOf(slot).bytes.subarray(from, from + length);
  }

  private offsetOf(slot: number): number {
    return (slot % this.perPiece) * this.stride;
  }

  private pieceOf(slot: number): Piece {
    const index = Math.floor(slot / this.perPiece);
    const known = this.pieces[index];
    if (known !== undefined) return known;
    const slots = Math.min(this.perPiece, this.window - index * this.perPiece);
    const bytes = rawBytes(slots * this.stride);
    const piece = { bytes, view: viewOf(bytes) };
    this.pieces[index] = piece;
    return piece;
  }
}
