/**
 * How much the streams of a session take from their programs that waits for its first write, each by itself and all together: enough for a
 * round of the event loop (`shell/rounds.ts`). The rest of their windows stays without memory until the peer has shown how quick it is, and
 * what many streams write is fetched when its turn comes: held ready it would be cold by then, which cost a tenth of the sender.
 *
 * 1. A stream that finds no room beside the others stands in line, once, and is called when there is.
 * 2. Whoever stands in line, or is called, goes before those that come later.
 * 3. Last chunks do not count: they may have to wait for answers, however long these take. Nor does the chunk that a stream has begun, which
 *    goes on without standing in line, so that small writes do not wait one by one.
 */
import type { BlobNumbers } from './blob-numbers.ts';

/** A stream may hold a third of what all may, but so many chunks at least. */
const STREAM_PART = 1 / 3;
const LEAST_CHUNKS = 2;

/** Where a stream stands that wants to begin a chunk: `admitted` once it has been called and has written, until its part is full or written out. */
export type Place = 'nowhere' | 'in line' | 'called' | 'admitted';

/** A stream, as the share knows it. */
export interface Sharer {
  readonly numbers: BlobNumbers;
  place: Place;
  /** Its program is to look again. */
  announce(): void;
}

export class WaitingShare {
  /** What all streams may hold, in bytes. */
  private readonly most: () => number;
  private bytes = 0;
  private readonly line: Sharer[] = [];
  /** How many streams are called and have not written since. */
  private called = 0;

  constructor(most: () => number) {
    this.most = most;
  }

  /** May this stream begin a chunk, of whose chunks so many wait? Where others hold what there is, it stands in line from now on. */
  admits(blob: Sharer, waiting: number): boolean {
    const { chunkBytes } = blob.numbers;
    const most = this.most();
    if (waiting >= LEAST_CHUNKS && waiting * chunkBytes >= most * STREAM_PART) {
      this.written(blob);
      return false;
    }
    if (blob.place === 'called' || blob.place === 'admitted' || (this.line.length === 0 && this.bytes < most))
      return true;
    if (blob.place === 'nowhere') {
      blob.place = 'in line';
      this.line.push(blob);
    }
    return false;
  }

  /** So many bytes wait for their first write. */
  add(bytes: number): void {
    this.bytes += bytes;
  }

  /** They are written, or their stream is over. */
  remove(bytes: number): void {
    this.bytes -= bytes;
  }

  /** A stream has taken bytes of its program, or has found no room. */
  served(blob: Sharer): void {
    if (blob.place === 'called') {
      this.called--;
      blob.place = 'admitted';
    }
    this.callNext();
  }

  /** Chunks of a stream are written out: for more it stands in line again. */
  written(blob: Sharer): void {
    if (blob.place === 'admitted') blob.place = 'nowhere';
  }

  /** A stream is over. */
  leave(blob: Sharer): void {
    if (blob.place === 'in line') this.line.splice(this.line.indexOf(blob), 1);
    if (blob.place === 'called') this.called--;
    blob.place = 'nowhere';
    this.callNext();
  }

  /** Calls the next in line if there is room beside what those that are called will take. */
  callNext(): void {
    if (this.line.length === 0) return;
    const most = this.most();
    if (this.bytes + this.called * most * STREAM_PART >= most) return;
    const next = this.line.shift()!;
    next.place = 'called';
    this.called++;
    next.announce();
  }
}
