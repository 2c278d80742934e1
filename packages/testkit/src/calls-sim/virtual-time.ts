/**
 * The time of a simulation of calls, and what is to happen in it, by time and, at the same time, in the order in which it was
 * planned: a run depends on nothing but its seed.
 */
import { EventHeap } from '../event-heap.ts';

export class VirtualTime {
  now = 1_000_000;
  private readonly heap = new EventHeap<() => void>();

  after(delayMs: number, run: () => void): void {
    this.heap.push(this.now + Math.max(0, delayMs), run);
  }

  /** Goes to the next event up to `until` and runs it; false where there is none, and then it is `until`. */
  step(until: number): boolean {
    const next = this.heap.nextTime();
    if (next > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.now = next;
    this.heap.pop()();
    return true;
  }
}
