/** The ways in which the same bytes may arrive. What comes out must not depend on them. */
import { Random } from '../sim/random.ts';
import { hashOf } from './hash.ts';

export interface Arrival {
  readonly name: string;
  readonly chunks: readonly Buffer[];
}

/** Bytes that come singly; of longer inputs the rest comes in small pieces, which costs less. */
const SINGLY_BYTES = 256;

/**
 * Whole, in random pieces, and one byte at a time. The pieces depend on the bytes alone, so that an input replays as it
 * was. Chunks are copies, in memory of their own.
 */
export function arrivalsOf(input: Uint8Array): readonly Arrival[] {
  return [...wholeAndInPieces(input), { name: 'byte by byte', chunks: cut(input, 1) }];
}

/** Without the dearest of them. */
export function wholeAndInPieces(input: Uint8Array): readonly Arrival[] {
  return [
    { name: 'whole', chunks: [Buffer.from(input)] },
    { name: 'in pieces', chunks: cut(input, 256) },
  ];
}

function cut(input: Uint8Array, most: number): Buffer[] {
  const random = new Random(hashOf(input));
  const copy = Buffer.from(input);
  const chunks: Buffer[] = [];
  for (let at = 0; at < copy.length; ) {
    const size = at < SINGLY_BYTES ? random.skewed(1, most) : random.skewed(1, 256);
    const end = Math.min(copy.length, at + size);
    chunks.push(copy.subarray(at, end));
    at = end;
  }
  return chunks;
}
