/** A binary heap of things to do, by time and then in the order in which they were pushed. */
interface Entry {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventHeap {
  private readonly entries: Entry[] = [];
  private order = 0;

  nextTime(): number {
    return this.entries[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  push(time: number, run: () => void): void {
    const { entries } = this;
    const entry = { time, order: this.order++, run };
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
  pop(): () => void {
    const { entries } = this;
    const [top] = entries;
    const last = entries.pop()!;
    if (entries.length > 0) this.sink(last);
    return top!.run;
  }

  private sink(entry: Entry): void {
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

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
