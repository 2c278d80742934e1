/**
 * A map from u32 ids to small non-negative integers: open addressing with linear probing over two typed arrays.
 *
 * Message ids come in sequence. Multiplicative hashing spreads them evenly: put side by side, they would form one long
 * run, and every deletion would have to walk it. Grows by doubling at half load, starts small, never shrinks.
 */
const FIRST_CELLS = 16;
/** 2^32 divided by the golden ratio. */
const SPREAD = 0x9e37_79b1;
const EMPTY = -1;
// A table that was never used holds no memory of its own.
const NO_KEYS = new Uint32Array(0);
const NO_VALUES = new Int32Array(0);

export class IdTable {
  private keys: Uint32Array = NO_KEYS;
  private values: Int32Array = NO_VALUES;
  private mask = 0;
  private shift = 32;
  private count = 0;
  private readonly salt: number;

  /** `salt`: a random u32 that peers do not know, lest they choose ids that fall into one run. */
  constructor(salt: number) {
    this.salt = salt;
  }

  get size(): number {
    return this.count;
  }

  /** The value of `id`, or -1. */
  get(id: number): number {
    if (this.count === 0) return EMPTY;
    const { keys, values, mask } = this;
    for (let cell = this.home(id); ; cell = (cell + 1) & mask) {
      const value = values[cell]!;
      if (value === EMPTY || keys[cell] === id) return value;
    }
  }

  /** Sets the value (0 or more) of `id`. */
  set(id: number, value: number): void {
    if (this.count * 2 >= this.keys.length) this.grow();
    const { keys, values, mask } = this;
    let cell = this.home(id);
    while (values[cell] !== EMPTY && keys[cell] !== id) cell = (cell + 1) & mask;
    if (values[cell] === EMPTY) this.count++;
    keys[cell] = id;
    values[cell] = value;
  }

  /** Removes `id`; returns its value, or -1 if it was absent. */
  delete(id: number): number {
    if (this.count === 0) return EMPTY;
    const { keys, values, mask } = this;
    let cell = this.home(id);
    while (values[cell] !== EMPTY && keys[cell] !== id) cell = (cell + 1) & mask;
    const value = values[cell]!;
    if (value === EMPTY) return EMPTY;
    this.count--;
    this.closeGap(cell);
    return value;
  }

  clear(): void {
    this.values.fill(EMPTY);
    this.count = 0;
  }

  private home(id: number): number {
    return Math.imul(id ^ this.salt, SPREAD) >>> this.shift;
  }

  /** Moves later entries of the same probe run back, so that no tombstones are needed. */
  private closeGap(cell: number): void {
    const { keys, values, mask } = this;
    let gap = cell;
    for (let next = (gap + 1) & mask; values[next] !== EMPTY; next = (next + 1) & mask) {
      const home = this.home(keys[next]!);
      if (((next - home) & mask) >= ((next - gap) & mask)) {
        keys[gap] = keys[next]!;
        values[gap] = values[next]!;
        gap = next;
      }
    }
    values[gap] = EMPTY;
  }

  private grow(): void {
    const { keys, values } = this;
    const cells = Math.max(FIRST_CELLS, keys.length * 2);
    this.keys = new Uint32Array(cells);
    this.values = new Int32Array(cells).fill(EMPTY);
    this.mask = cells - 1;
    this.shift = 32 - Math.log2(cells);
    this.count = 0;
    for (let cell = 0; cell < keys.length; cell++) {
      const value = values[cell]!;
      if (value !== EMPTY) this.set(keys[cell]!, value);
    }
  }
}
