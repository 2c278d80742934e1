/**
 * A map from u32 ids to small non-negative integers.
 *
 * Message ids come in sequence, so an id has its place in the cell `id mod size`: neighbours lie side by side, and nothing
 * is ever moved. An id that finds its cell taken stands in an overflow map; its keys are salted, so that a peer that chooses
 * ids which collide here does not know what collides there. Grows by doubling when full, starts small, never shrinks.
 */
const FIRST_CELLS = 8;
const EMPTY = -1;
// A table that was never used holds no memory of its own.
const NO_CELLS = new Int32Array(0);

export class IdTable {
  /** Id and value of each cell, side by side; the value tells whether the cell is taken. */
  private cells: Int32Array = NO_CELLS;
  private mask = 0;
  private count = 0;
  private overflow: Map<number, number> | undefined = undefined;
  private readonly salt: number;

  /** `salt`: a random u32 that peers do not know. */
  constructor(salt: number) {
    this.salt = salt;
  }

  get size(): number {
    return this.count;
  }

  /** The value of `id`, or -1. */
  get(id: number): number {
    if (this.count === 0) return EMPTY;
    const { cells } = this;
    const at = (id & this.mask) << 1;
    if (cells[at + 1] !== EMPTY && cells[at] === (id | 0)) return cells[at + 1]!;
    return this.overflow === undefined ? EMPTY : (this.overflow.get(id ^ this.salt) ?? EMPTY);
  }

  /** Sets the value (0 or more) of `id`. */
  set(id: number, value: number): void {
    const { cells } = this;
    const at = (id & this.mask) << 1;
    if (this.count > 0 && cells[at + 1] !== EMPTY && cells[at] === (id | 0)) cells[at + 1] = value;
    else this.place(id, value);
  }

  /** Sets the value of an id that is known to be absent. */
  add(id: number, value: number): void {
    const { cells } = this;
    const at = (id & this.mask) << 1;
    if (this.count * 2 < cells.length && cells[at + 1] === EMPTY) {
      this.count++;
      cells[at] = id;
      cells[at + 1] = value;
    } else {
      this.place(id, value);
    }
  }

  /** Clears the lowest bit of the value of `id`, if that is there. */
  clearLowBit(id: number): void {
    const { cells } = this;
    const at = (id & this.mask) << 1;
    if (this.count > 0 && cells[at + 1] !== EMPTY && cells[at] === (id | 0)) {
      cells[at + 1] = cells[at + 1]! & ~1;
      return;
    }
    const value = this.overflow?.get(id ^ this.salt);
    if (value !== undefined) this.overflow!.set(id ^ this.salt, value & ~1);
  }

  /** Removes `id`; returns its value, or -1 if it was absent. */
  delete(id: number): number {
    if (this.count === 0) return EMPTY;
    const { cells } = this;
    const at = (id & this.mask) << 1;
    const value = cells[at + 1]!;
    if (value === EMPTY || cells[at] !== (id | 0)) return this.deleteOverflow(id);
    cells[at + 1] = EMPTY;
    this.count--;
    return value;
  }

  clear(): void {
    for (let at = 1; at < this.cells.length; at += 2) this.cells[at] = EMPTY;
    this.overflow = undefined;
    this.count = 0;
  }

  /** For an id that does not stand in its cell. */
  private place(id: number, value: number): void {
    if (this.overflow?.has(id ^ this.salt)) {
      this.overflow.set(id ^ this.salt, value);
      return;
    }
    if (this.count * 2 >= this.cells.length) this.grow();
    this.count++;
    const { cells } = this;
    const at = (id & this.mask) << 1;
    if (cells[at + 1] === EMPTY) {
      cells[at] = id;
      cells[at + 1] = value;
    } else {
      this.overflow ??= new Map();
      this.overflow.set(id ^ this.salt, value);
    }
  }

  private deleteOverflow(id: number): number {
    const value = this.overflow?.get(id ^ this.salt);
    if (value === undefined) return EMPTY;
    this.overflow!.delete(id ^ this.salt);
    if (this.overflow!.size === 0) this.overflow = undefined;
    this.count--;
    return value;
  }

  private grow(): void {
    const { cells, overflow, salt } = this;
    const grown = new Int32Array(Math.max(2 * FIRST_CELLS, cells.length * 2)).fill(EMPTY);
    this.cells = grown;
    this.mask = grown.length / 2 - 1;
    this.overflow = undefined;
    this.count = 0;
    for (let at = 0; at < cells.length; at += 2) {
      if (cells[at + 1] !== EMPTY) this.place(cells[at]!, cells[at + 1]!);
    }
    for (const [key, value] of overflow ?? []) this.place(key ^ salt, value);
  }
}
