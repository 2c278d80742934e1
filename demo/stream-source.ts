/** The bytes to stream: those of a file, or made-up ones. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

const PIECE_BYTES = 64 * 1024;

/** The bytes of a file, or `count` made-up ones; either way a piece at a time. */
export function bytesOf(file: string | undefined, count: number): Readable {
  return file === undefined ? Readable.from(madeUp(count)) : createReadStream(file);
}

function* madeUp(count: number): Iterable<Uint8Array> {
  for (let at = 0; at < count; at += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, count - at), 'a piece of a file that nobody wrote; ');
    // No two pieces are the same, so that one that came twice, or not, would show.
    if (piece.length >= 8) piece.writeDoubleBE(at);
    yield piece;
  }
}
