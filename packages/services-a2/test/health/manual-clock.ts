/** A clock that stands still until a test moves it; timers ring in the order of their times. */
import type { Clock } from '../../src/port.ts';

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
    const handle = ++this.serial;
    this.timers.set(handle, { at: this.time + delayMs, ring });
    return handle;
  }

  stopTimer(timer: NodeJS.Timeout | number): void {
    this.timers.delete(timer as number);
  }

  /** Moves on, rings what is due on the way, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    await settled();
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [handle, { at, ring }] = due;
      this.timers.delete(handle);
      this.time = Math.max(this.time, at);
      ring();
      await settled();
    }
    this.time = until;
  }
}

/** All promises that can settle without the outside world have settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
