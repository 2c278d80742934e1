/**
 * A map by u32 ids. Ids have bit 31 set, and V8 makes an object of such a number where it is a key; as an i32 it is none.
 */
export class IdMap<Value> {
  private readonly values: Map<number, Value> = new Map();

  get size(): number {
    return this.values.size;
  }

  get(id: number): Value | undefined {
    return this.values.get(id | 0);
  }

  has(id: number): boolean {
    return this.values.has(id | 0);
  }

  set(id: number, value: Value): void {
    this.values.set(id | 0, value);
  }

  delete(id: number): boolean {
    return this.values.delete(id | 0);
  }

  clear(): void {
    this.values.clear();
  }

  forEach(each: (value: Value, id: number) => void): void {
    for (const [key, value] of this.values) each(value, key >>> 0);
  }
}
