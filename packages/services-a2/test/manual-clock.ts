/** A clock that stands still until a test moves it; timers ring in the order of their times. */
import type { Clock } from '../src/port.ts';

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

export class ManualClock implements Clock {
  private time = 1_000;
  private serial = 0;
  private readonly timers = new Map<number, Timer>();

  /** Timers that have not rung yet. */
  get pending(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  startTimer(delayMs: number, ring: () => void): number {
    this.timers.set(++this.serial, { at: this.time + delayMs, ring });
    return this.serial;
  }

  stopTimer(timer: NodeJS.Timeout | number): void {
    this.timers.delete(timer as number);
  }

  /** Moves on and rings what is due on the way, without a pause in between. */
  jump(ms: number): void {
    const until = this.time + ms;
    while (this.ringNext(until));
    this.time = until;
  }

  /** Moves on, rings what is due on the way, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    do await settled();
    while (this.ringNext(until));
    this.time = until;
  }

  /** False where nothing is due by then. */
  private ringNext(until: number): boolean {
    const due = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
    if (due === undefined) return false;
    const [handle, { at, ring }] = due;
    this.timers.delete(handle);
    this.time = Math.max(this.time, at);
    ring();
    return true;
  }
}

/** All promises that can settle without the outside world have settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
