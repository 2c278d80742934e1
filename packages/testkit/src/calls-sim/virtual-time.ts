/**
 * The time of a simulation of calls, and what is to happen in it, by time and, at the same time, in the order in which it was
 * planned: a run depends on nothing but its seed.
 */

/** Something planned; without `run` once it has happened or was called off. */
export interface Planned {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  now = 1_000_000;
  private readonly heap: Planned[] = [];
  private planned = 0;

  after(delayMs: number, run: () => void): Planned {
    const event: Planned = { at: this.now + Math.max(0, delayMs), order: this.planned++, run };
    this.rise(this.heap.push(event) - 1);
    return event;
  }

  /** Goes to the next event up to `until` and runs it; false where there is none, and then it is `until`. */
  step(until: number): boolean {
    for (let next = this.heap[0]; next !== undefined && next.at <= until; next = this.heap[0]) {
      this.takeFirst();
      const { run } = next;
      if (run === undefined) continue;
      next.run = undefined;
      this.now = next.at;
      run();
      return true;
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
    return false;
  }

  private takeFirst(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    let at = 0;
    for (let child = 1; child < heap.length; child = at * 2 + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  private rise(from: number): void {
    const { heap } = this;
    const event = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
