/** A histogram of latencies in steps of about 5 %, from one microsecond on. */
const STEP = Math.log(1.05);
const LEAST_MS = 0.001;

export class Latencies {
  private readonly counts: number[] = [];
  private total = 0;

  add(ms: number): void {
    const cell = Math.max(0, Math.round(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / STEP));
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
    this.total++;
  }

  /** The latency that a share of all stayed below, in milliseconds; 0 where there is none. */
  quantile(share: number): number {
    let seen = 0;
    for (const [cell, count] of this.counts.entries()) {
      seen += count ?? 0;
      if (seen >= this.total * share && this.total > 0) return LEAST_MS * Math.exp(cell * STEP);
    }
    return 0;
  }
}
