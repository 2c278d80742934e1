/**
 * `npm run sim`: seeded simulations of A1 under faults, judged by the oracle.
 *
 *   npm run sim -- --seeds 2000               runs seeds 1 to 2000, in as many processes as there are cores
 *   npm run sim -- --seeds 100 --from 5000 --jobs 1
 *   npm run sim -- --seed 17                  runs one seed and prints its whole trace
 *   npm run sim -- --seeds 100 --events 20000 longer seeds, or shorter ones
 *   npm run sim -- --shrink 17                looks for the smallest run that breaks the rule which seed 17 breaks
 *   npm run sim -- --seed 17 --swarm '{...}'  runs a seed with a swarm of which some is given
 *
 * Exit code 1 for a broken rule, for a seed that does not give the same trace again, and for a situation that should have
 * occurred in so many seeds and never did.
 */
import { availableParallelism } from 'node:os';
import { argumentsOf, refuse, wholeNumber } from '../arguments.ts';
import { type Coverage, SOMETIMES } from './coverage.ts';
import { Random } from './random.ts';
import { runMany } from './run-many.ts';
import { shrink } from './shrink.ts';
import { type SimulationResult, simulate } from './simulation.ts';
import { drawSwarm, type Swarm } from './swarm.ts';

const DEFAULT_SEEDS = 1000;
const DEFAULT_EVENTS = 5000;
/** Lines of the trace that are shown of a failure. */
const SHOWN_LINES = 60;

const USAGE = 'npm run sim -- [--seeds N] [--from N] [--jobs N] [--seed N] [--shrink SEED] [--events N] [--swarm JSON]';

const values = argumentsOf(USAGE, {
  seeds: { type: 'string' },
  seed: { type: 'string' },
  from: { type: 'string' },
  events: { type: 'string' },
  jobs: { type: 'string' },
  shrink: { type: 'string' },
  swarm: { type: 'string' },
});
// Whoever reads only the beginning of a trace has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const events = wholeNumber(USAGE, 'events', values.events, DEFAULT_EVENTS, 1);
const swarm = values.swarm === undefined ? {} : swarmOf(values.swarm);
process.exitCode = await run();

async function run(): Promise<number> {
  if (values.shrink !== undefined) return shrinkOne(wholeNumber(USAGE, 'shrink', values.shrink, 1));
  if (values.seed !== undefined && values.seeds === undefined)
    return runOne(wholeNumber(USAGE, 'seed', values.seed, 1));
  const first = wholeNumber(USAGE, 'from', values.from ?? values.seed, 1);
  const seeds = wholeNumber(USAGE, 'seeds', values.seeds, DEFAULT_SEEDS, 1);
  return runAll(first, seeds, wholeNumber(USAGE, 'jobs', values.jobs, availableParallelism(), 1));
}

/** Runs one seed and prints everything that happens. */
function runOne(seed: number): number {
  const result = simulate(seed, { events, swarm, print: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`${summary(result)}\n`);
  if (result.failure !== undefined) process.stdout.write(`FAILED: ${explain(result.failure)}\n`);
  return result.failure === undefined ? 0 : 1;
}

async function runAll(first: number, seeds: number, jobs: number): Promise<number> {
  const started = performance.now();
  const report = await runMany(first, seeds, events, jobs);
  const seconds = (performance.now() - started) / 1000;
  if (report.failed !== undefined) {
    showFailure(report.failed);
    return 1;
  }
  process.stdout.write(
    `${seeds} seeds in ${seconds.toFixed(1)} s, ${jobs} at a time: ${(seeds / seconds).toFixed(0)} seeds/s, ` +
      `${(report.events / seeds).toFixed(0)} events and ${(report.sends / seeds).toFixed(0)} sends a seed, ` +
      `${(report.events / seconds / 1e6).toFixed(2)} M events/s; trace hash ${report.hash}\n`,
  );
  showCoverage(report.coverage, seeds);
  const { differs } = report;
  if (differs !== undefined) process.stdout.write(`FAILED: seed ${differs} gives another trace when it runs again\n`);
  return differs !== undefined || report.coverage.missing(seeds).length > 0 ? 1 : 0;
}

function showCoverage(coverage: Coverage, seeds: number): void {
  for (const situation of SOMETIMES)
    process.stdout.write(`${String(coverage.count(situation)).padStart(10)}  ${situation}\n`);
  for (const situation of coverage.missing(seeds)) process.stdout.write(`FAILED: never occurred: ${situation}\n`);
}

/** Runs the seed again for the end of its trace. */
function showFailure(seed: number): void {
  const lines: string[] = [];
  const result = simulate(seed, {
    events,
    print: (line) => {
      lines.push(line);
      if (lines.length > 4 * SHOWN_LINES) lines.splice(0, lines.length - SHOWN_LINES);
    },
  });
  process.stdout.write(`${lines.slice(-SHOWN_LINES).join('\n')}\n${summary(result)}\n`);
  process.stdout.write(`FAILED: ${explain(result.failure!)}\n`);
  process.stdout.write(`whole trace: npm run sim -- --seed ${seed} --events ${events}\n`);
  process.stdout.write(`smaller: npm run sim -- --shrink ${seed} --events ${events}\n`);
}

function shrinkOne(seed: number): number {
  const start = { seed, events, swarm: { ...drawSwarm(new Random(seed)), ...swarm } };
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const found = shrink(start, (one) => ruleOf(simulate(one.seed, { events: one.events, swarm: one.swarm })), say);
  const { failure } = simulate(found.seed, { events: found.events, swarm: found.swarm });
  say(`FAILED: ${explain(failure!)}`);
  say(`npm run sim -- --seed ${found.seed} --events ${found.events} --swarm '${JSON.stringify(found.swarm)}'`);
  return 1;
}

/** The number of the rule that broke, or what was thrown instead. */
function ruleOf({ failure }: SimulationResult): string | undefined {
  return failure === undefined ? undefined : (/^rule \d+/.exec(failure.message)?.[0] ?? failure.name);
}

function explain(failure: Error): string {
  return failure.name === 'RuleBroken' ? failure.message : (failure.stack ?? failure.message);
}

function summary(result: SimulationResult): string {
  return `seed ${result.seed}: ${result.events} events, ${result.sends} sends, ${result.virtualMs.toFixed(0)} virtual ms, trace hash ${result.hash}`;
}

function swarmOf(text: string): Partial<Swarm> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (typeof given === 'object' && given !== null) return given;
  return refuse(USAGE, `--swarm must be an object as JSON, got ${text}`);
}
