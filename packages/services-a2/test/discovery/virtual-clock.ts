/** A clock that stands still until it is advanced: timers ring in the order of their times. */
import type { Clock } from '../../src/port.ts';

export class VirtualClock implements Clock {
  private time = 0;
  private serial = 0;
  private readonly timers = new Map<number, { readonly at: number; readonly ring: () => void }>();

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

  /** Lets so much time pass. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [handle, { at, ring }] = due;
      this.timers.delete(handle);
      this.time = Math.max(this.time, at);
      ring();
    }
    this.time = until;
  }
}
