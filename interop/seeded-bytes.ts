/**
 * The bytes of blobs: they follow from a number, so that both sides know them without sending them twice;
 * rust-peer/src/seeded_bytes.rs is the same in Rust.
 *
 * A block of pseudo-random bytes repeats. Its length is a prime, so that no two chunks within many gigabytes are alike
 * and chunks in a wrong order change the hash.
 */
import { createHash } from 'node:crypto';

/** Bytes until the content repeats. */
const BLOCK_BYTES = 1_048_573;

export class SeededBytes {
  readonly #block: Buffer = Buffer.alloc(BLOCK_BYTES);
  #state: number;
  /** Bytes of the block that are there: small blobs need few. */
  #filled = 0;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2_654_435_761) | 1) >>> 0;
  }

  /** At most `most` bytes from a position on; fewer where the block ends. */
  piece(position: number, most: number): Buffer {
    const start = position % BLOCK_BYTES;
    const end = Math.min(BLOCK_BYTES, start + most);
    this.#fill(end);
    return this.#block.subarray(start, end);
  }

  /** The first `sizeBytes` in pieces of at most `pieceBytes`. */
  *pieces(sizeBytes: number, pieceBytes: number): Generator<Buffer> {
    for (let position = 0; position < sizeBytes; ) {
      const piece = this.piece(position, Math.min(pieceBytes, sizeBytes - position));
      position += piece.length;
      yield piece;
    }
  }

  /** SHA-256 of the first `sizeBytes`. */
  sha256(sizeBytes: number): string {
    const hash = createHash('sha256');
    for (const piece of this.pieces(sizeBytes, BLOCK_BYTES)) hash.update(piece);
    return hash.digest('hex');
  }

  #fill(end: number): void {
    let state = this.#state;
    for (; this.#filled < end; this.#filled++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.#block[this.#filled] = state;
    }
    this.#state = state;
  }
}
