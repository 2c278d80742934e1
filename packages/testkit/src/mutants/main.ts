/**
 * `npm run mutants`: plants each bug of the list, and counts the seeds that the simulator needs to find it.
 *
 *   npm run mutants                        every mutant, seeds 1 to 8000 at most, then the one that is noted for it
 *   npm run mutants -- --only close-never-sent,told-twice
 *   npm run mutants -- --seeds 100 --from 500 --jobs 4
 *   npm run mutants -- --events 5000       longer seeds than usual
 *   npm run mutants -- --write             notes the seeds that found them, for the test run
 *
 * Exit code 1 where one survives.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { argumentsOf, refuse, wholeNumber } from '../arguments.ts';
import { MUTANTS } from './all-mutants.ts';
import { EVENTS, hunt, type Verdict } from './gate.ts';
import type { SeedRun } from './hunt.ts';
import { KILLING_SEEDS } from './killing-seeds.ts';

const DEFAULT_SEEDS = 8000;

const USAGE = 'npm run mutants -- [--only NAME,...] [--seeds N] [--from N] [--events N] [--jobs N] [--write]';

const values = argumentsOf(USAGE, {
  only: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  events: { type: 'string' },
  jobs: { type: 'string' },
  write: { type: 'boolean', default: false },
});
const only = values.only?.split(',');
for (const wanted of only ?? []) {
  if (MUTANTS.every(({ name }) => name !== wanted)) refuse(USAGE, `no mutant is called ${wanted}`);
}
const mutants = MUTANTS.filter(({ name }) => only === undefined || only.includes(name));
const first = wholeNumber(USAGE, 'from', values.from, 1);
const events = wholeNumber(USAGE, 'events', values.events, EVENTS, 1);
const jobs = wholeNumber(USAGE, 'jobs', values.jobs, availableParallelism(), 1);
const count = wholeNumber(USAGE, 'seeds', values.seeds, DEFAULT_SEEDS, 1);
const seeds = Array.from({ length: count }, (_, i): SeedRun => [first + i, events]);
/** Some bugs are too rare for that: a long run has found them, once. */
const quarries = mutants.map((mutant) => ({ mutant, seeds: [...seeds, ...notedFor(mutant.name)] }));
const verdicts = await hunt(quarries, jobs, show);
summarise(verdicts);
if (values.write) note(verdicts);

function notedFor(name: string): SeedRun[] {
  const noted = KILLING_SEEDS[name];
  return noted === undefined ? [] : [noted];
}

function isRare({ caught }: Verdict): boolean {
  return caught.seed !== undefined && caught.tried > seeds.length;
}

function show(verdict: Verdict): void {
  const { mutant, caught } = verdict;
  process.stdout.write(`${mutant!.name.padEnd(30)} ${outcomeOf(verdict)} ${caught.found}\n`);
}

function outcomeOf(verdict: Verdict): string {
  const { seed, tried } = verdict.caught;
  if (seed === undefined) return `SURVIVED ${tried} seeds`;
  return isRare(verdict) ? `seed ${seed[0]} of ${seed[1]} events` : `${String(tried).padStart(4)} seeds `;
}

function summarise(all: readonly Verdict[]): void {
  const survivors = all.filter(({ caught }) => caught.seed === undefined);
  const rare = all.filter(isRare);
  const tried = all
    .filter((verdict) => !rare.includes(verdict) && !survivors.includes(verdict))
    .map(({ caught }) => caught.tried)
    .sort((a, b) => a - b);
  const mean = tried.reduce((sum, each) => sum + each, 0) / tried.length;
  const spent = `mean ${mean.toFixed(1)}, median ${tried[tried.length >> 1]}, most ${tried.at(-1)}`;
  process.stdout.write(
    `${all.length} mutants, ${survivors.length} survive, ${rare.length} found on a noted seed alone\n`,
  );
  if (tried.length > 0) process.stdout.write(`seeds to kill of the other ${tried.length}: ${spent}\n`);
  for (const { mutant } of survivors) process.stdout.write(`SURVIVED: ${mutant!.name}: ${mutant!.why}\n`);
  if (survivors.length > 0) process.exitCode = 1;
}

/** The seeds of the mutants that were run replace those that stood in the file. */
function note(all: readonly Verdict[]): void {
  const known = new Map(Object.entries(KILLING_SEEDS));
  for (const { mutant, caught } of all) if (caught.seed !== undefined) known.set(mutant!.name, caught.seed);
  const lines = MUTANTS.filter(({ name }) => known.has(name)).map(
    ({ name }) => `  '${name}': [${known.get(name)!.join(', ')}],`,
  );
  const text = `import type { SeedRun } from './hunt.ts';

/** The first seed that finds each mutant, with its events. Written by \`npm run mutants -- --write\`. */
export const KILLING_SEEDS: Readonly<Record<string, SeedRun>> = {
${lines.join('\n')}
};
`;
  writeFileSync(new URL('killing-seeds.ts', import.meta.url), text);
}
