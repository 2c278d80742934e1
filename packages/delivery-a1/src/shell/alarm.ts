/**
 * One timer for one owner (a peer, or the domus itself). The deadline moves with every message, so the timer is only
 * ever set earlier; when it rings too early, it is set again.
 */
import type { Clock, TimerHandle } from './clock.ts';

/** Longest delay that a Node timer keeps; a longer one would ring at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class Alarm {
  private readonly clock: Clock;
  private readonly due: () => void;
  private timer: TimerHandle | undefined = undefined;
  private setFor = Number.POSITIVE_INFINITY;

  /** `due` is called when a deadline may have come; it sets the alarm again. */
  constructor(clock: Clock, due: () => void) {
    this.clock = clock;
    this.due = due;
  }

  /** Makes sure that `due` is called at `deadline`, or before. */
  set(deadline: number, now: number): void {
    if (deadline >= this.setFor) return;
    this.clear();
    this.setFor = deadline;
    const delay = Math.min(MAX_DELAY_MS, Math.max(1, Math.ceil(deadline - now)));
    this.timer = this.clock.startTimer(delay, this.ring);
  }

  clear(): void {
    if (this.timer !== undefined) this.clock.stopTimer(this.timer);
    this.timer = undefined;
    this.setFor = Number.POSITIVE_INFINITY;
  }

  /** A field: V8 would keep a function that is assigned, and the peer that it captures, until its next full collection. */
  private readonly ring = (): void => {
    this.timer = undefined;
    this.setFor = Number.POSITIVE_INFINITY;
    this.due();
  };
}
