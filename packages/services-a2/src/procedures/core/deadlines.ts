/**
 * Deadlines of many calls under one timer, for calls that all have times of their own and nearly all end before them: in and
 * out cost next to nothing, and whoever looks for what is due looks at all.
 *
 * 1. An entry is in at most one list, once; `remove` of one that is not in does nothing.
 * 2. `next` is never later than the earliest deadline, and may be earlier: what is due is decided by `expire` alone.
 */

/** Whatever has a deadline. The links belong to the list. */
export interface Due {
  /** A time of the clock; Infinity for none. */
  deadline: number;
  isDue: boolean;
  dueBefore: Due | undefined;
  dueAfter: Due | undefined;
}

const NEVER = Number.POSITIVE_INFINITY;

export class Deadlines {
  private first: Due | undefined = undefined;
  private count = 0;
  /** When to look next; Infinity when nothing is in. */
  next: number = NEVER;

  get size(): number {
    return this.count;
  }

  /** Takes an entry in. One without a deadline stays outside. */
  add(entry: Due): void {
    const { deadline } = entry;
    if (deadline === NEVER || entry.isDue) return;
    const { first } = this;
    entry.isDue = true;
    entry.dueBefore = undefined;
    entry.dueAfter = first;
    if (first !== undefined) first.dueBefore = entry;
    this.first = entry;
    this.count++;
    if (deadline < this.next) this.next = deadline;
  }

  remove(entry: Due): void {
    if (!entry.isDue) return;
    const { dueBefore, dueAfter } = entry;
    if (dueBefore === undefined) this.first = dueAfter;
    else dueBefore.dueAfter = dueAfter;
    if (dueAfter !== undefined) dueAfter.dueBefore = dueBefore;
    entry.isDue = false;
    entry.dueBefore = undefined;
    entry.dueAfter = undefined;
    this.count--;
  }

  /** Takes out all that is due, in no order, and finds out when to look next. */
  expire(now: number): Due[] {
    const due: Due[] = [];
    let next = NEVER;
    for (let entry = this.first; entry !== undefined; entry = entry.dueAfter) {
      if (entry.deadline <= now) due.push(entry);
      else if (entry.deadline < next) next = entry.deadline;
    }
    for (const entry of due) this.remove(entry);
    this.next = next;
    return due;
  }
}
