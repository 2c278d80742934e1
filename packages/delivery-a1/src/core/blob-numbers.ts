/** The two numbers that both sides of a blob stream agree on (a1-blobs, blob callis). */
import { CHUNK_HEAD_BYTES } from '../wire/chunk.ts';
import type { DeliverySettings } from './settings.ts';

export interface BlobNumbers {
  /** Most bytes of one chunk. */
  readonly chunkBytes: number;
  /** Most chunks that are unanswered. */
  readonly window: number;
}

/** What this domus proposes: a chunk must fit a frame. */
export function ownNumbers(settings: DeliverySettings): BlobNumbers {
  const chunkBytes = Math.max(1, Math.min(settings.blobChunkBytes, settings.maxPayloadLen - CHUNK_HEAD_BYTES));
  return { chunkBytes, window: settings.blobWindow };
}

/** The most that two sides have in common. */
export function lesser(one: BlobNumbers, other: BlobNumbers): BlobNumbers {
  return { chunkBytes: Math.min(one.chunkBytes, other.chunkBytes), window: Math.min(one.window, other.window) };
}

export function areSame(one: BlobNumbers, other: BlobNumbers): boolean {
  return one.chunkBytes === other.chunkBytes && one.window === other.window;
}

/** The bytes that a stream with these numbers can hold at one side. */
export function bytesOf({ chunkBytes, window }: BlobNumbers): number {
  return chunkBytes * window;
}
