/** The count of answered messages in a sending process and, where it sends one at a time, the time of each round trip. */
import { percentile } from './spread.ts';

/** Round trips kept at most; a sequential run of some seconds makes a tenth of that. */
const LAPS_MAX = 1 << 21;

/** Latencies in microseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/**
 * Counts answers. With `sequential`, the time from one answer to the next is one round trip, the sender's own turn
 * between them included: that is what a loop of awaited sends sees.
 */
export class Tally {
  #acked = 0;
  readonly #streams: number[] = [];
  #streamStarts: readonly number[] = [];
  readonly #laps: Float64Array | undefined;
  #lapCount = 0;
  #lapStart = 0;

  constructor(sequential: boolean) {
    this.#laps = sequential ? new Float64Array(LAPS_MAX) : undefined;
  }

  /** Answers since the tally was made. */
  get acked(): number {
    return this.#acked;
  }

  /** `stream` tells which of several the answers are of. */
  add(answers: number, stream = 0): void {
    this.#acked += answers;
    this.#streams[stream] = (this.#streams[stream] ?? 0) + answers;
    if (this.#laps !== undefined) this.#lap(this.#laps);
  }

  /** How equally several streams share since the last restart, as Jain's index; undefined for one. */
  fairness(): number | undefined {
    const shares = this.#streams.map((count, stream) => count - (this.#streamStarts[stream] ?? 0));
    if (shares.length < 2) return undefined;
    const sum = shares.reduce((a, b) => a + b, 0);
    return sum ** 2 / (shares.length * shares.reduce((a, b) => a + b ** 2, 0));
  }

  /** Forgets the round trips of the warm-up. */
  restartLaps(): void {
    this.#lapCount = 0;
    this.#lapStart = performance.now();
    this.#streamStarts = [...this.#streams];
  }

  /** Of all round trips since the last restart; undefined where none was timed. */
  latency(): Latency | undefined {
    if (this.#laps === undefined || this.#lapCount === 0) return undefined;
    const sorted = this.#laps.slice(0, this.#lapCount).sort();
    return { p50: percentile(sorted, 50) * 1_000, p99: percentile(sorted, 99) * 1_000 };
  }

  #lap(laps: Float64Array): void {
    const now = performance.now();
    if (this.#lapCount < LAPS_MAX) laps[this.#lapCount++] = now - this.#lapStart;
    this.#lapStart = now;
  }
}
