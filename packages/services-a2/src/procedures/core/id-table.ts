/**
 * Calls by their ids, for thousands that come and go in every moment: an array that is indexed by the last bits of an id.
 *
 * A Map does not do here. It copies itself whenever as many entries have gone as it has room for, and what it was copied from
 * still holds what it held. Once such a remnant is old, no collection of young memory frees what hangs on it: nearly every call
 * lived on until the next full collection, and was copied twice before that.
 *
 * 1. An id is in at most once.
 * 2. Ids of any choice cost no more than a Map of them: whatever finds its place taken goes into one.
 */

/** Whatever has an id that does not change while it is in. */
export interface Identified {
  readonly id: number;
}

const FIRST_PLACES = 16;

export class IdTable<T extends Identified> {
  private places: (T | undefined)[] = emptyPlaces(FIRST_PLACES);
  private mask = FIRST_PLACES - 1;
  private placed = 0;
  /** Those whose place was taken. */
  private readonly others = new Map<number, T>();

  get size(): number {
    return this.placed + this.others.size;
  }

  get(id: number): T | undefined {
    const entry = this.places[id & this.mask];
    if (entry !== undefined && entry.id === id) return entry;
    return this.others.size === 0 ? undefined : this.others.get(id);
  }

  /** Nobody has this id, nor its place: who may choose an id chooses one of these. */
  isFree(id: number): boolean {
    return this.places[id & this.mask] === undefined && !(this.others.size > 0 && this.others.has(id));
  }

  /** Takes an entry in whose id is not in yet. */
  add(entry: T): void {
    if (this.placed * 2 >= this.places.length) this.grow();
    const at = entry.id & this.mask;
    if (this.places[at] !== undefined) this.others.set(entry.id, entry);
    else {
      this.places[at] = entry;
      this.placed++;
    }
  }

  /** True when this very entry was in. */
  delete(entry: T): boolean {
    const at = entry.id & this.mask;
    if (this.places[at] === entry) {
      this.places[at] = undefined;
      this.placed--;
      return true;
    }
    return this.others.get(entry.id) === entry && this.others.delete(entry.id);
  }

  /** All that are in, in no order. */
  values(): T[] {
    const values: T[] = [];
    for (const entry of this.places) if (entry !== undefined) values.push(entry);
    for (const entry of this.others.values()) values.push(entry);
    return values;
  }

  private grow(): void {
    const { places } = this;
    this.places = emptyPlaces(places.length * 2);
    this.mask = this.places.length - 1;
    // Ids that differ in fewer bits differ in more.
    for (const entry of places) if (entry !== undefined) this.places[entry.id & this.mask] = entry;
  }
}

function emptyPlaces<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined);
}
