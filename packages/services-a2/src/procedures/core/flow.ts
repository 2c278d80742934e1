/**
 * Credit of one direction of a stream (docs/protocol/procedures.md, credit): bytes of what stands behind the heads of its
 * messages, counted alike on both sides. A sender may add an item while it has any credit left, so that the largest item passes
 * a small window; a receiver gives credit back as its program reads.
 */

/** What a sender of items may still send. */
export class Outflow {
  private credit: number;

  constructor(first: number) {
    this.credit = first;
  }

  get isOpen(): boolean {
    return this.credit > 0;
  }

  spend(bytes: number): void {
    this.credit -= bytes;
  }

  /** Returns true when this opened it. */
  grant(bytes: number): boolean {
    const wasOpen = this.isOpen;
    this.credit = Math.min(this.credit + bytes, Number.MAX_SAFE_INTEGER);
    return !wasOpen && this.isOpen;
  }
}

/** What a receiver of items holds, and what it owes its sender in credit. */
export class Inflow {
  private readonly window: number;
  /** What the sender may still send, as this side counts. */
  private left: number;
  private owed = 0;

  /** `first`: what the sender was told or knows from the beginning; the rest of the window is owed at once. */
  constructor(window: number, first: number) {
    this.window = window;
    this.left = first;
    this.owed = Math.max(0, window - first);
  }

  /** Items have come; false where the sender had no credit for them. */
  arrived(bytes: number): boolean {
    if (this.left <= 0) return false;
    this.left -= bytes;
    return true;
  }

  /** The program has taken items. */
  taken(bytes: number): void {
    this.owed += bytes;
  }

  /** Credit that is worth a message of its own, or 0; what is given counts as told. */
  due(): number {
    if (this.owed * 2 < this.window) return 0;
    const { owed } = this;
    this.owed = 0;
    this.left += owed;
    return owed;
  }
}
