/**
 * The child process of the mutation gate: simulates seeds until one breaks a rule, and says which as a line of JSON. The bug
 * itself is planted by `hook.mjs` while this process loads; without it this is the control run.
 *
 * Arguments: the events of a seed, then the seeds in their order.
 */
import { simulate } from '../sim/simulation.ts';

export interface Catch {
  /** The seed that broke a rule; undefined where none did. */
  readonly seed: number | undefined;
  /** Seeds that were run, that one included. */
  readonly tried: number;
  /** What broke, as the oracle says it. */
  readonly found: string;
}

const [events, ...seeds] = process.argv.slice(2).map(Number);
process.stdout.write(`${JSON.stringify(hunt(events!, seeds))}\n`);

function hunt(most: number, order: readonly number[]): Catch {
  let tried = 0;
  for (const seed of order) {
    tried++;
    const { failure } = simulate(seed, { events: most });
    if (failure !== undefined) return { seed, tried, found: String(failure) };
  }
  return { seed: undefined, tried, found: '' };
}
