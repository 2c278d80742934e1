/**
 * How long sends take, counted in buckets with fixed bounds. A send costs two additions in one typed array; nothing is
 * allocated, and no clock is read for it.
 */

/** Bounds from one millisecond, which is what the clock tells apart, to more than four minutes, each twice the last. */
const BUCKETS_WITH_BOUND = 19;
const LAST_BUCKET = BUCKETS_WITH_BOUND;
const SUM = LAST_BUCKET + 1;

const BOUNDS_MS: readonly number[] = Object.freeze(Array.from({ length: BUCKETS_WITH_BOUND }, (_, i) => 2 ** i));

/** A histogram: how many values fell between which bounds. */
export interface HistogramMetrics {
  /** Upper bounds of the buckets in milliseconds, inclusive: 1, 2, 4 and so on to 262,144. The same in every release. */
  readonly boundsMs: readonly number[];
  /** Values in each bucket alone, not added up; the last one, above all bounds, has no bound of its own. */
  readonly counts: readonly number[];
  /** All values. */
  readonly count: number;
  /** Their sum in milliseconds: with `count` it gives the mean. */
  readonly sumMs: number;
}

export class LatencyHistogram {
  /** The buckets, and behind them the sum. Doubles: they count beyond 2^32. */
  private readonly cells = new Float64Array(SUM + 1);

  /** Counts one send. `ms`: whole milliseconds, 0 or more. */
  record(ms: number): void {
    const { cells } = this;
    cells[ms <= 1 ? 0 : Math.min(32 - Math.clz32(ms - 1), LAST_BUCKET)]! += 1;
    cells[SUM]! += ms;
  }

  read(): HistogramMetrics {
    const counts = [...this.cells.subarray(0, SUM)];
    const count = counts.reduce((sum, each) => sum + each, 0);
    return { boundsMs: BOUNDS_MS, counts, count, sumMs: this.cells[SUM]! };
  }
}
