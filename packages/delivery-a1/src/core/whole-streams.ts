/** Incoming streams that have arrived whole: remembered for a while, since acks of theirs may have been lost with a callis. */

/** The most that are remembered. */
const MOST = 1024;

/** Until when a stream is remembered, and how many calles had been lost when it began. */
interface Whole {
  readonly until: number;
  readonly lostBefore: number;
}

export class WholeStreams {
  private readonly streams: Map<number, Whole> = new Map();

  remember(id: number, lostBefore: number, until: number, now: number): void {
    this.streams.set(id, { until, lostBefore });
    for (const [oldest, { until }] of this.streams) {
      if (until > now && this.streams.size <= MOST) return;
      this.streams.delete(oldest);
    }
  }

  /** The id names another stream now. */
  forget(id: number): void {
    this.streams.delete(id);
  }

  clear(): void {
    this.streams.clear();
  }

  /** Has it arrived whole, and was a callis lost since it began, `lost` of the session in all? */
  mayLackAcks(id: number, lost: number, now: number): boolean {
    const whole = this.streams.get(id);
    return whole !== undefined && whole.until > now && lost > whole.lostBefore;
  }
}
