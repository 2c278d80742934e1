/** The newest of what comes: a bounded memory whose oldest entry gives way to the next. */
export class Ring<T> {
  /** Entries that have given way. */
  dropped = 0;
  private readonly capacity: number;
  private readonly cells: T[] = [];
  private oldest = 0;

  /** `capacity`: 1 or more. Memory is taken as entries come. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.cells.length;
  }

  push(entry: T): void {
    if (this.cells.length < this.capacity) {
      this.cells.push(entry);
      return;
    }
    this.cells[this.oldest] = entry;
    this.oldest = (this.oldest + 1) % this.capacity;
    this.dropped++;
  }

  /** At most `count` entries, the oldest first, without the `skipped` oldest ones. */
  slice(skipped: number, count: number): T[] {
    const taken: T[] = [];
    for (let i = skipped; i < this.size && taken.length < count; i++) {
      taken.push(this.cells[(this.oldest + i) % this.size]!);
    }
    return taken;
  }
}
