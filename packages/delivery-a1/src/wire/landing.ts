/** Where the bytes of a blob chunk go as they arrive. */

export interface Landing {
  /**
   * Takes the next `count` bytes of the chunk, which stand at `at`. `isOwn`: nothing is ever written there again, so they may be
   * kept where they lie.
   */
  take(from: Uint8Array, at: number, count: number, isOwn: boolean): void;
}

/** A place in memory that is filled from `at` on. */
export class Region implements Landing {
  readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  take(from: Uint8Array, at: number, count: number): void {
    // A view of plain bytes: the `subarray` of a Buffer is slow.
    this.bytes.set(new Uint8Array(from.buffer, from.byteOffset + at, count), this.at);
    this.at += count;
  }
}
