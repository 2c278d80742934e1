/** What is on its way in one pipe, as the oracle sees it. */
import type { Entry } from './entry.ts';
import type { ChunkNote } from './stream-entry.ts';

/** A message (and which time it was written) and the reply to one, a chunk and the answer to one, or a close. */
export type Freight =
  | { readonly kind: 'message'; readonly entry: Entry; readonly write: number }
  | { readonly kind: 'reply'; readonly entry: Entry; readonly write: number }
  | { readonly kind: 'chunk'; readonly note: ChunkNote }
  | { readonly kind: 'answer'; readonly id: number; readonly errorId: number }
  | { readonly kind: 'close' };

export class Cargo {
  /** Where each frame ends, in bytes from the first that was written. */
  readonly ends: number[] = [];
  readonly freights: Freight[] = [];
  /** The first that has not arrived. */
  first = 0;
}
