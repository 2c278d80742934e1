/** What is on its way in one pipe, as the oracle sees it. */
import type { Entry } from './entry.ts';
import type { ChunkNote } from './stream-entry.ts';

/** One frame. A class, and not a union: what all oracles read all the time has one shape. */
export class Freight {
  readonly kind: 'message' | 'reply' | 'chunk' | 'answer' | 'close';
  /** Messages, and replies to them: the send, and which time it was written. */
  readonly entry: Entry | undefined;
  readonly write: number;
  /** Chunks. */
  readonly note: ChunkNote | undefined;
  /** Answers to chunks. */
  readonly id: number;
  readonly errorId: number;

  private constructor(
    kind: Freight['kind'],
    entry: Entry | undefined,
    write: number,
    note: ChunkNote | undefined,
    id: number,
    errorId: number,
  ) {
    this.kind = kind;
    this.entry = entry;
    this.write = write;
    this.note = note;
    this.id = id;
    this.errorId = errorId;
  }

  static readonly close: Freight = new Freight('close', undefined, 0, undefined, 0, 0);

  static message(entry: Entry): Freight {
    return new Freight('message', entry, entry.writes, undefined, 0, 0);
  }

  static reply(entry: Entry): Freight {
    return new Freight('reply', entry, entry.arrivedWrite, undefined, 0, 0);
  }

  static chunk(note: ChunkNote): Freight {
    return new Freight('chunk', undefined, 0, note, 0, 0);
  }

  static answer(id: number, errorId: number): Freight {
    return new Freight('answer', undefined, 0, undefined, id, errorId);
  }
}

/** What is on its way in a pipe; undefined before the first frame. */
export function cargoOf(pipe: { readonly cargo: unknown }): Cargo | undefined {
  return pipe.cargo as Cargo | undefined;
}

export class Cargo {
  /** Where each frame ends, in bytes from the first that was written. */
  readonly ends: number[] = [];
  readonly freights: Freight[] = [];
  /** The first that has not arrived. */
  first = 0;

  /** Takes what has arrived whole by so many bytes. */
  takeArrived(delivered: number): Freight | undefined {
    if (this.first === this.ends.length || this.ends[this.first]! > delivered) return undefined;
    return this.freights[this.first++];
  }

  /** The first that has not arrived whole. */
  get arriving(): Freight | undefined {
    return this.freights[this.first];
  }
}
