/**
 * How many retries a client may make, so that a service in trouble is not buried under them (a2-services, procedures).
 *
 * 1. In the long run no more retries are made than the ratio of calls, and the minimum per second beside them.
 */
import { outOfRange } from '@flaminia/transport-a0';

export interface RetryBudgetOptions {
  /** Retries per call. 0 to 10; default 0.2. */
  readonly ratio?: number;
  /** Retries per second whatever is called, for clients that call seldom. 0 to 10,000; default 10. */
  readonly minPerSecond?: number;
  /** How many retries may be saved up from calls. 1 to 100,000; default 100. */
  readonly maxSaved?: number;
}

/** Counts in thousandths: sums of 0.2 are never quite whole. */
const UNIT = 1_000;

export class RetryBudget {
  private readonly perCall: number;
  private readonly minPerSecond: number;
  private readonly maxSaved: number;
  private saved = 0;
  private reserve: number;
  private filledAt: number;

  /** @param now where the minimum per second is counted from; it is there in full at first. */
  constructor(options: RetryBudgetOptions, now: number) {
    const { ratio = 0.2, minPerSecond = 10, maxSaved = 100 } = options;
    requireWithin('ratio', ratio, 0, 10);
    requireWithin('minPerSecond', minPerSecond, 0, 10_000);
    requireWithin('maxSaved', maxSaved, 1, 100_000);
    this.perCall = Math.round(ratio * UNIT);
    this.minPerSecond = minPerSecond;
    this.maxSaved = Math.round(maxSaved * UNIT);
    this.reserve = Math.round(minPerSecond * UNIT);
    this.filledAt = now;
  }

  /** A call is made that is no retry. */
  called(): void {
    this.saved = Math.min(this.maxSaved, this.saved + this.perCall);
  }

  /** Whether a retry, or a second try of a hedged call, may be made now; takes it off the budget. */
  take(now: number): boolean {
    if (this.saved >= UNIT) {
      this.saved -= UNIT;
      return true;
    }
    const gained = Math.max(0, now - this.filledAt) * this.minPerSecond;
    this.reserve = Math.min(this.minPerSecond * UNIT, this.reserve + gained);
    this.filledAt = Math.max(this.filledAt, now);
    if (this.reserve < UNIT) return false;
    this.reserve -= UNIT;
    return true;
  }
}

function requireWithin(field: string, value: unknown, min: number, max: number): void {
  if (typeof value !== 'number' || !(value >= min && value <= max)) throw outOfRange(field, `${min} to ${max}`, value);
}
