/** What a shutdown waits on: a condition that any flush may bring about. One waiter at a time. */
import type { Clock } from './clock.ts';

export class Progress {
  private readonly clock: Clock;
  private check: (() => void) | undefined = undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A flush has left the domus in a new state. */
  made(): void {
    this.check?.();
  }

  /** Resolves when the condition holds after a flush, when the time is up, or on abort. */
  until(holds: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (holds() || timeoutMs === 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.check = undefined;
        this.clock.stopTimer(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.clock.startTimer(timeoutMs, done);
      signal.addEventListener('abort', done);
      this.check = () => {
        if (holds()) done();
      };
    });
  }
}
