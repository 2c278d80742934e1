/** A moving average of durations, in which what is older weighs less. */

/** After so long a measurement weighs 1/e, about a third. */
const FADING_MS = 10_000;

export class MovingAverage {
  private average: number | undefined = undefined;
  private at = 0;

  add(sampleMs: number, now: number): void {
    const weight = this.weight(now);
    this.average = this.average === undefined ? sampleMs : sampleMs + (this.average - sampleMs) * weight;
    this.at = now;
  }

  /** The average, faded by the time without a measurement, so that whoever was slow once is tried again. */
  value(now: number): number | undefined {
    return this.average === undefined ? undefined : this.average * this.weight(now);
  }

  /** Even samples of one instant count a little. */
  private weight(now: number): number {
    return Math.exp(-Math.max(MIN_STEP_MS, now - this.at) / FADING_MS);
  }
}

const MIN_STEP_MS = 100;
