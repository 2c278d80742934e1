/** A moving average of durations, in which what is older weighs less. */

/** After so long a measurement weighs 1/e, about a third. */
const FADING_MS = 10_000;
/** Even samples of one instant count a little. */
const MIN_STEP_MS = 100;
const MIN_STEP_WEIGHT = Math.exp(-MIN_STEP_MS / FADING_MS);

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

  private weight(now: number): number {
    const elapsedMs = now - this.at;
    return elapsedMs <= MIN_STEP_MS ? MIN_STEP_WEIGHT : Math.exp(-elapsedMs / FADING_MS);
  }
}
