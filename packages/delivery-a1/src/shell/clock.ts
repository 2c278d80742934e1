/** The time that a shell runs on: the machine's monotonic clock, or a virtual one in tests. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls back once, no earlier than after `delayMs`. */
  startTimer(delayMs: number, ring: () => void): TimerHandle;
  stopTimer(timer: TimerHandle): void;
}

/** Whatever the clock gave for a timer. */
export type TimerHandle = NodeJS.Timeout | number;

/**
 * The clock of this process; not moved by changes of the wall clock. It gives whole milliseconds, which timers have too:
 * a fraction is an object wherever it is passed on, and a time goes with every message.
 */
export const systemClock: Clock = {
  now: () => Math.floor(performance.now()),
  startTimer: (delayMs, ring) => setTimeout(ring, delayMs),
  stopTimer: (timer) => clearTimeout(timer),
};
