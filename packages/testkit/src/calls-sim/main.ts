/**
 * `npm run sim-calls`: seeded simulations of calls under faults, judged by an oracle.
 *
 *   npm run sim-calls -- --seeds 2000              runs seeds 1 to 2000
 *   npm run sim-calls -- --seeds 100 --from 5000
 *   npm run sim-calls -- --seed 17                 runs one seed and prints its whole trace
 *
 * Exit code 1 for a broken rule, for a seed that does not give the same trace again, and for a situation that should have
 * occurred in so many seeds and never did.
 */
import { argumentsOf, wholeNumber } from '../arguments.ts';
import { runSeeds } from './run-seeds.ts';
import { type SimulationResult, simulate } from './simulation.ts';

const DEFAULT_SEEDS = 1000;

const USAGE = 'npm run sim-calls -- [--seeds N] [--from N] [--seed N]';

const values = argumentsOf(USAGE, { seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await (values.seed === undefined
  ? runAll(wholeNumber(USAGE, 'from', values.from, 1), wholeNumber(USAGE, 'seeds', values.seeds, DEFAULT_SEEDS, 1))
  : runOne(wholeNumber(USAGE, 'seed', values.seed, 1)));

async function runOne(seed: number): Promise<number> {
  const result = await simulate(seed, { print: say });
  const { calls, events, virtualMs, hash } = result;
  say(`seed ${seed}: ${calls} calls, ${events} events, ${virtualMs.toFixed(0)} virtual ms, trace hash ${hash}`);
  return tellFailure(result);
}

async function runAll(first: number, seeds: number): Promise<number> {
  const started = performance.now();
  const { failed, differs, calls, events, hash, situations } = await runSeeds(first, seeds);
  if (failed !== undefined) {
    say(`npm run sim-calls -- --seed ${failed.seed}`);
    return tellFailure(failed);
  }
  const seconds = (performance.now() - started) / 1000;
  say(
    `${seeds} seeds in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(0)} seeds/s, ${(events / seeds).toFixed(0)} ` +
      `events and ${(calls / seeds).toFixed(0)} calls a seed; trace hash ${hash}`,
  );
  for (const [situation, times] of situations.entries()) say(`${String(times).padStart(10)}  ${situation}`);
  const missing = situations.missing(seeds);
  for (const situation of missing) say(`FAILED: never occurred: ${situation}`);
  if (differs !== undefined) say(`FAILED: seed ${differs} gives another trace when it runs again`);
  return differs !== undefined || missing.length > 0 ? 1 : 0;
}

function tellFailure({ seed, failure }: SimulationResult): number {
  if (failure === undefined) return 0;
  say(`FAILED: seed ${seed}: ${failure.name === 'RuleBroken' ? failure.message : failure.stack}`);
  return 1;
}
