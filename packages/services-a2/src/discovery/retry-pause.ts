/** Waiting before the next try: growing, with jitter, and cut short by a stop. */
import type { Timing } from './host-clock.ts';

const FIRST_MS = 250;
const MOST_MS = 15_000;

/** The waits between failures in a row: each twice the one before, half of it random, so that nodes do not try in step. */
export class RetryPause {
  private readonly timing: Timing;
  private failures = 0;

  constructor(timing: Timing) {
    this.timing = timing;
  }

  /** It went well: the next failure waits as the first one did. */
  reset(): void {
    this.failures = 0;
  }

  /** Waits as long as this failure calls for; shorter where the signal ends. */
  wait(signal: AbortSignal): Promise<void> {
    const mostMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(this.failures++, 16));
    return pause(this.timing, (mostMs * (1 + this.timing.fraction())) / 2, signal);
  }
}

/** Resolves after the time, or once the signal ends. */
export function pause({ clock }: Timing, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clock.stopTimer(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.startTimer(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
