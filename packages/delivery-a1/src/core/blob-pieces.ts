/**
 * Memory for the chunks of the streams of one session, in pieces of some slots each. What is given back last is taken first, by whichever
 * stream has its turn then: while the peer reads well, few pieces serve all streams, and stay in the caches of the processor.
 */
import { viewOf } from '../wire/encode.ts';
import { rawBytes } from '../wire/memory.ts';

/** Pieces that are kept for later; more come back only when a peer has read much at once. */
const MOST_FREE = 32;

export class Piece {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** How many of its slots hold a chunk. */
  taken = 0;
  /** Writes that refer to it and may not have left yet. */
  writes = 0;

  constructor(size: number) {
    this.bytes = rawBytes(size);
    this.view = viewOf(this.bytes);
  }

  /** One of those writes has left. */
  readonly flushed = (): void => {
    this.writes--;
  };
}

export class PiecePool {
  private readonly free: Piece[] = [];

  /** A piece of this size. */
  take(size: number): Piece {
    const piece = this.free.pop();
    if (piece?.bytes.length === size) return piece;
    // The numbers of the session have changed.
    this.free.length = 0;
    return new Piece(size);
  }

  /** Keeps about so many bytes for later at most: what the streams that are left may hold. Each of many peers has a pool. */
  keep(mostBytes: number): void {
    const { free } = this;
    if (free.length === 0) return;
    const most = Math.ceil(mostBytes / free[0]!.bytes.length);
    if (free.length > most) free.splice(0, free.length - most);
  }

  /** Takes a piece back in which no chunk is left. One that a write may still refer to is left to that. */
  give(piece: Piece): void {
    if (piece.writes === 0 && this.free.length < MOST_FREE) this.free.push(piece);
  }
}
