/**
 * The memory of an incoming blob stream of large chunks: what the system has read is kept where it lies, and nothing is copied
 * on the way to the program, which gets a chunk in the pieces in which it came.
 *
 * 1. A piece that is small beside the memory that it would keep alive is copied, so that unread chunks hold no more than about
 *    twice their bytes.
 */
import type { Landing } from '../wire/landing.ts';
import { rawBytes, viewOfBytes } from '../wire/memory.ts';
import type { BlobNumbers } from './blob-numbers.ts';
import type { ChunkStore } from './blob-store.ts';

class Pieces implements Landing {
  readonly list: Buffer[] = [];

  take(from: Uint8Array, at: number, count: number, isOwn: boolean): void {
    if (count === 0) return;
    const { buffer, byteOffset } = from;
    if (isOwn && 2 * count > buffer.byteLength) {
      this.list.push(viewOfBytes(from, at, count));
      return;
    }
    const copy = rawBytes(count);
    copy.set(new Uint8Array(buffer, byteOffset + at, count));
    this.list.push(copy);
  }
}

const NOTHING = rawBytes(0);

export class PieceStore implements ChunkStore {
  given = 0;
  private readonly window: number;
  /** By slot: the pieces of a chunk that has come whole. */
  private readonly chunks: (Pieces | undefined)[];
  /** Pieces of the chunk `given` that were given out. */
  private piecesGiven = 0;

  constructor({ window }: BlobNumbers) {
    this.window = window;
    this.chunks = new Array<Pieces | undefined>(window).fill(undefined);
  }

  landing(): Landing {
    return new Pieces();
  }

  landed(chunkId: number, landing: Landing): void {
    this.chunks[chunkId % this.window] = landing as Pieces;
  }

  read(first: number): Buffer {
    const slot = first % this.window;
    const { list } = this.chunks[slot]!;
    const piece = list[this.piecesGiven++] ?? NOTHING;
    this.given = first;
    if (this.piecesGiven < list.length) return piece;
    this.piecesGiven = 0;
    this.chunks[slot] = undefined;
    this.given = first + 1;
    return piece;
  }
}
