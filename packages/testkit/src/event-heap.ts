/** A binary heap of what is to come, by time and, at the same time, in the order in which it was pushed. */
interface Entry<T> {
  readonly time: number;
  readonly order: number;
  readonly value: T;
}

export class EventHeap<T> {
  private readonly entries: Entry<T>[] = [];
  private order = 0;

  nextTime(): number {
    return this.entries[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  push(time: number, value: T): void {
    const { entries } = this;
    const entry = { time, order: this.order++, value };
    let index = entries.length;
    entries.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, entries[parent]!)) break;
      entries[index] = entries[parent]!;
      index = parent;
    }
    entries[index] = entry;
  }

  /** Takes out what is next; there must be something. */
  pop(): T {
    const { entries } = this;
    const [top] = entries;
    const last = entries.pop()!;
    if (entries.length > 0) this.sink(last);
    return top!.value;
  }

  private sink(entry: Entry<T>): void {
    const { entries } = this;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child += 1;
      if (!isBefore(entries[child]!, entry)) break;
      entries[index] = entries[child]!;
      index = child;
    }
    entries[index] = entry;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
