/** The ways in which the same bytes may arrive. What comes out must not depend on them. */
import { Random } from '../sim/random.ts';
import { hashOf } from './hash.ts';

export interface Arrival {
  readonly name: string;
  readonly chunks: readonly Buffer[];
}

/** Overwrites a chunk that was read: whoever kept a reference to it is found. */
export function spoil(chunk: Buffer): void {
  if (chunk.length > 1) chunk.fill(0xdd);
  else chunk[0] = 0xdd;
}

const PIECE_MOST_BYTES = 256;
/** Bytes that come singly; of longer inputs the rest comes in small pieces, which costs less. */
const SINGLY_BYTES = 256;
const SINGLE_CHUNKS: readonly Buffer[] = Array.from({ length: SINGLY_BYTES }, () => Buffer.alloc(1));

/**
 * Whole, in random pieces, and one byte at a time. The pieces depend on the bytes alone, so that an input replays as it
 * was. Chunks are copies, and no two of one arrival are the same.
 */
export function arrivalsOf(input: Uint8Array): readonly Arrival[] {
  return [
    ...wholeAndInPieces(input),
    { name: 'byte by byte', chunks: [...singly(input), ...cut(input.subarray(SINGLY_BYTES))] },
  ];
}

/** Without the dearest of them. */
export function wholeAndInPieces(input: Uint8Array): readonly Arrival[] {
  return [
    { name: 'whole', chunks: [Buffer.from(input)] },
    { name: 'in pieces', chunks: cut(input) },
  ];
}

/** The first bytes, each in one of the chunks that are kept for this: making them costs more than reading them. */
function singly(input: Uint8Array): Buffer[] {
  const chunks = SINGLE_CHUNKS.slice(0, input.length);
  for (let i = 0; i < chunks.length; i++) chunks[i]![0] = input[i]!;
  return chunks;
}

function cut(input: Uint8Array): Buffer[] {
  const random = new Random(hashOf(input));
  const copy = Buffer.from(input);
  const chunks: Buffer[] = [];
  for (let at = 0; at < copy.length; ) {
    const end = Math.min(copy.length, at + random.skewed(1, PIECE_MOST_BYTES));
    chunks.push(copy.subarray(at, end));
    at = end;
  }
  return chunks;
}
