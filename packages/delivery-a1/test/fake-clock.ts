/** A clock that a test moves, and that knows how many timers run on it. */
import type { Clock, TimerHandle } from '../src/shell/clock.ts';

interface Timer {
  readonly at: number;
  readonly delayMs: number;
  readonly ring: () => void;
}

export class FakeClock implements Clock {
  /** How many timers were ever started. */
  started = 0;
  private time = 1_000_000;
  private readonly timers = new Map<number, Timer>();

  now(): number {
    return this.time;
  }

  startTimer(delayMs: number, ring: () => void): TimerHandle {
    const handle = ++this.started;
    this.timers.set(handle, { at: this.time + delayMs, delayMs, ring });
    return handle;
  }

  stopTimer(timer: TimerHandle): void {
    this.timers.delete(timer as number);
  }

  /** Delays of the timers that run, as they were asked for, shortest first. */
  get running(): number[] {
    return [...this.timers.values()].map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  }

  /** Lets time pass; rings what is due on the way, in order. */
  advance(ms: number): void {
    const until = this.time + ms;
    while (this.ringNext(until));
    this.time = until;
  }

  /** Goes to the next timer due by `until` and rings it; false where there is none. */
  ringNext(until: number): boolean {
    const due = [...this.timers].filter(([, timer]) => timer.at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
    if (due === undefined) return false;
    const [handle, { at, ring }] = due;
    this.timers.delete(handle);
    this.time = Math.max(this.time, at);
    ring();
    return true;
  }
}
