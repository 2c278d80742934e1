/** A child process of a long run: simulates batches of seeds that its parent names, and reports each batch. */
import { Coverage, type Situation } from './coverage.ts';
import { simulate } from './simulation.ts';

/** Seeds from `first` on, so many, each of so many events. */
export interface Batch {
  readonly first: number;
  readonly seeds: number;
  readonly events: number;
}

export interface BatchReport {
  readonly first: number;
  /** The trace hash of each seed, in order; they end with the first that has failed. */
  readonly hashes: readonly string[];
  readonly failed: number | undefined;
  /** A seed that gave another trace when it ran again. */
  readonly differs: number | undefined;
  readonly events: number;
  readonly sends: number;
  readonly coverage: readonly (readonly [Situation, number])[];
}

/** Of so many seeds one runs twice. */
const AGAIN_EVERY = 100;

/** Runs a batch up to its first broken rule. */
export function runBatch({ first, seeds, events }: Batch): BatchReport {
  const coverage = new Coverage();
  const hashes: string[] = [];
  let carriedOut = 0;
  let sends = 0;
  let failed: number | undefined;
  let differs: number | undefined;
  for (let seed = first; seed < first + seeds && failed === undefined; seed++) {
    const result = simulate(seed, { events, coverage });
    hashes.push(result.hash);
    carriedOut += result.events;
    sends += result.sends;
    if (result.failure !== undefined) failed = seed;
    else if (seed % AGAIN_EVERY === 0 && simulate(seed, { events }).hash !== result.hash) differs = seed;
  }
  return { first, hashes, failed, differs, events: carriedOut, sends, coverage: coverage.entries() };
}
