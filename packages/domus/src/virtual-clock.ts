/** A clock that stands still until it is advanced: timers ring in the order of their times. */
import type { Clock, TimerHandle } from '@flaminia/delivery-a1/internal';

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export class VirtualClock implements Clock {
  private time = 0;
  private serial = 0;
  private readonly timers = new Map<number, Timer>();

  /** Timers that have not rung yet. */
  get pending(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  startTimer(delayMs: number, ring: () => void): TimerHandle {
    const handle = ++this.serial;
    this.timers.set(handle, { at: this.time + delayMs, ring });
    return handle;
  }

  stopTimer(timer: TimerHandle): void {
    this.timers.delete(timer as number);
  }

  /** Goes to the next timer that is due by `until` and rings it; false where there is none, and then it is `until`. */
  step(until: number): boolean {
    let next: number | undefined;
    for (const [handle, timer] of this.timers) {
      if (timer.at <= until && (next === undefined || timer.at < this.timers.get(next)!.at)) next = handle;
    }
    if (next === undefined) {
      this.time = Math.max(this.time, until);
      return false;
    }
    const { at, ring } = this.timers.get(next)!;
    this.timers.delete(next);
    this.time = Math.max(this.time, at);
    ring();
    return true;
  }
}
