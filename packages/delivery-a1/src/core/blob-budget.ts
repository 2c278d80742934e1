/**
 * How many bytes the blob streams of a domus may hold, over all its peers, separately for those that it sends and receives
 * (a1-blobs, limits). A stream reserves what it can hold at most before it begins.
 *
 * 1. A reservation is given back exactly once; `reserved` returns to 0 when no stream is left.
 */

/** What one stream has reserved. */
export class Reservation {
  readonly bytes: number;
  private budget: BlobBudget | undefined;

  constructor(budget: BlobBudget, bytes: number) {
    this.budget = budget;
    this.bytes = bytes;
  }

  /** Gives it back; again is without effect. */
  release(): void {
    const { budget } = this;
    if (budget === undefined) return;
    this.budget = undefined;
    budget.reserved -= this.bytes;
  }
}

/** The bytes of one direction. */
export class BlobBudget {
  reserved = 0;

  /** Reserves bytes within `cap`; undefined where that is exceeded, and then nothing is reserved. */
  reserve(bytes: number, cap: number): Reservation | undefined {
    if (this.reserved + bytes > cap) return undefined;
    this.reserved += bytes;
    return new Reservation(this, bytes);
  }
}
