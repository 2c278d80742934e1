/**
 * `npm run sim`: seeded simulations of A1 under faults, judged by the oracle.
 *
 *   npm run sim -- --seeds 2000               runs seeds 1 to 2000
 *   npm run sim -- --seeds 100 --from 5000    runs seeds 5000 to 5099
 *   npm run sim -- --seed 17                  runs one seed and prints its whole trace
 *   npm run sim -- --seeds 100 --events 20000
 *
 * Exit code 1 for a broken rule, and for a situation that should have occurred in so many seeds and never did.
 */
import { parseArgs } from 'node:util';
import { Coverage, SOMETIMES } from './coverage.ts';
import { type SimulationResult, simulate } from './simulation.ts';

const DEFAULT_SEEDS = 1000;
const DEFAULT_EVENTS = 5000;
/** Lines of the trace that are shown of a failure. */
const SHOWN_LINES = 60;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    events: { type: 'string' },
  },
});
// Whoever reads only the beginning of a trace has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const events = wholeNumber('events', values.events, DEFAULT_EVENTS);
process.exitCode =
  values.seed !== undefined && values.seeds === undefined
    ? runOne(wholeNumber('seed', values.seed, 1))
    : runMany(wholeNumber('from', values.from ?? values.seed, 1), wholeNumber('seeds', values.seeds, DEFAULT_SEEDS));

/** Runs one seed and prints everything that happens. */
function runOne(seed: number): number {
  const result = simulate(seed, { events, print: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`${summary(result)}\n`);
  if (result.failure !== undefined) process.stdout.write(`FAILED: ${explain(result.failure)}\n`);
  return result.failure === undefined ? 0 : 1;
}

function runMany(first: number, seeds: number): number {
  const coverage = new Coverage();
  const started = performance.now();
  let carriedOut = 0;
  let sends = 0;
  let hash = 0n;
  for (let seed = first; seed < first + seeds; seed++) {
    const result = simulate(seed, { events, coverage });
    carriedOut += result.events;
    sends += result.sends;
    hash = BigInt.asUintN(64, (hash ^ BigInt(`0x${result.hash}`)) * 0x100_0000_01b3n);
    if (result.failure !== undefined) {
      showFailure(result);
      return 1;
    }
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${seeds} seeds in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(0)} seeds/s, ` +
      `${(carriedOut / seeds).toFixed(0)} events and ${(sends / seeds).toFixed(0)} sends a seed, ` +
      `${(carriedOut / seconds / 1e6).toFixed(2)} M events/s; trace hash ${hash.toString(16).padStart(16, '0')}\n`,
  );
  showCoverage(coverage, seeds);
  return coverage.missing(seeds).length > 0 ? 1 : 0;
}

function showCoverage(coverage: Coverage, seeds: number): void {
  for (const situation of SOMETIMES)
    process.stdout.write(`${String(coverage.count(situation)).padStart(10)}  ${situation}\n`);
  for (const situation of coverage.missing(seeds)) process.stdout.write(`FAILED: never occurred: ${situation}\n`);
}

/** Runs the seed again for the end of its trace. */
function showFailure(result: SimulationResult): void {
  const lines: string[] = [];
  simulate(result.seed, {
    events,
    print: (line) => {
      lines.push(line);
      if (lines.length > 4 * SHOWN_LINES) lines.splice(0, lines.length - SHOWN_LINES);
    },
  });
  process.stdout.write(`${lines.slice(-SHOWN_LINES).join('\n')}\n${summary(result)}\n`);
  process.stdout.write(`FAILED: ${explain(result.failure!)}\n`);
  process.stdout.write(`whole trace: npm run sim -- --seed ${result.seed} --events ${events}\n`);
}

function explain(failure: Error): string {
  return failure.name === 'RuleBroken' ? failure.message : (failure.stack ?? failure.message);
}

function summary(result: SimulationResult): string {
  return `seed ${result.seed}: ${result.events} events, ${result.sends} sends, ${result.virtualMs.toFixed(0)} virtual ms, trace hash ${result.hash}`;
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} must be a whole number, got ${text}\n`);
  process.exit(2);
}
