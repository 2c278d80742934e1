/**
 * The benchmark: `npm run bench -- --help`. Each plan runs once a round, in two fresh processes on a core each; rounds
 * are interleaved, so that what is compared was measured in the same minutes; the report gives medians and spreads, and
 * ratios within the rounds.
 */
import { writeFile } from 'node:fs/promises';
import { parseSettings, type Settings, USAGE } from './arguments.ts';
import { createCredentials } from './credentials.ts';
import { choosePinning, describeMachine } from './machine.ts';
import type { Plan } from './plan.ts';
import { formatReport, medianOf, type RoundTrial, type Row } from './report.ts';
import { type Figure, formatFigures } from './scenarios/figure.ts';
import { SCENARIOS } from './scenarios.ts';
import { ATTEMPTS_MAX, isDisturbed, runQuietTrial, type TrialOptions } from './trial.ts';

/** What it takes to start and end the two processes of a trial, for the estimate. */
const START_MS = 1_000;

// The processes of a trial end with their channel to this one; `exit` removes their folder.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${USAGE}\n`);
} else {
  process.exitCode = await main(args);
}

async function main(given: readonly string[]): Promise<number> {
  let settings: Settings;
  try {
    settings = parseSettings(given);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 2;
  }
  return measure(settings);
}

/** What a run has gathered. A failed trial leaves only its label. */
interface Gathered {
  readonly trials: readonly RoundTrial[];
  readonly figures: ReadonlyMap<string, readonly (readonly Figure[])[]>;
  readonly failures: readonly string[];
}

async function measure(settings: Settings): Promise<number> {
  const { plans, rounds, warmUpMs, windowMs, quick, json } = settings;
  const pinning = choosePinning();
  const { trials, figures, failures } = await runRounds(settings, {
    credentials: await createCredentials(),
    pinning,
    warmUpMs,
    windowMs,
    attempts: quick ? 1 : ATTEMPTS_MAX,
  });
  const machine = describeMachine(pinning, trials.find(({ agreed }) => agreed !== '')?.agreed ?? '');
  const method = [
    `medians of ${rounds} interleaved rounds`,
    `${warmUpMs / 1_000} s of warm-up and ${windowMs / 1_000} s measured in each`,
    quick
      ? 'A QUICK RUN: for a look, not for publishing'
      : 'disturbed trials repeated, and left out where undisturbed ones exist',
  ].join(' · ');
  const rows = plans.flatMap((plan) => rowOf(plan, trials));
  const found = [...figures].map(([name, runs]) => `${formatFigures(name, runs)}\n`);
  process.stdout.write(
    `\n${machine}\n${method}\n\n${[...(rows.length === 0 ? [] : [formatReport(rows)]), ...found].join('\n')}`,
  );
  if (json !== undefined) {
    const record = { machine, method, at: new Date().toISOString(), trials, figures: Object.fromEntries(figures) };
    await writeFile(json, `${JSON.stringify(record, null, 2)}\n`);
  }
  if (failures.length > 0) process.stdout.write(`\nFAILED: ${failures.join(', ')}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** All rounds. A failed trial is told at once and does not keep the others from running. */
async function runRounds(settings: Settings, options: TrialOptions): Promise<Gathered> {
  const { plans, scenarios, rounds, warmUpMs, windowMs } = settings;
  const trials: RoundTrial[] = [];
  const figures = new Map<string, (readonly Figure[])[]>();
  const failures: string[] = [];
  const attempt = async (label: string, run: () => Promise<string>): Promise<void> => {
    try {
      say(`${label}: ${await run()}`);
    } catch (error) {
      failures.push(label);
      say(`${label}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const minutes = (rounds * plans.length * (warmUpMs + windowMs + START_MS)) / 60_000;
  say(
    `${plans.length + scenarios.length} scenarios × ${rounds} rounds, about ${Math.ceil(minutes)} minutes on a quiet machine`,
  );
  for (let round = 1; round <= rounds; round++) {
    for (const plan of plans) {
      await attempt(`${round}/${rounds} ${plan.name}`, async () => {
        const trial: RoundTrial = { ...(await runQuietTrial(plan, options)), round };
        trials.push(trial);
        return headline(plan, trial);
      });
    }
    for (const name of scenarios) {
      await attempt(`${round}/${rounds} ${name}`, async () => {
        const found = await SCENARIOS.get(name)!(options.credentials);
        figures.set(name, [...(figures.get(name) ?? []), found]);
        return found.map((figure) => `${figure.name} ${figure.value.toFixed(2)}`).join(', ');
      });
    }
  }
  return { trials, figures, failures };
}

/** The trials of a plan: the undisturbed ones, or all where there is none. */
function rowOf(plan: Plan, trials: readonly RoundTrial[]): Row[] {
  const own = trials.filter((trial) => trial.plan === plan.name);
  const undisturbed = own.filter((trial) => !isDisturbed(trial));
  if (undisturbed.length > 0) return [{ plan, trials: undisturbed }];
  return own.length === 0 ? [] : [{ plan, trials: own }];
}

function headline(plan: Plan, trial: RoundTrial): string {
  const row: Row = { plan, trials: [trial] };
  if (plan.kind === 'idle') return `${((medianOf(row, 'idle memory') ?? 0) / 1_024).toFixed(1)} KiB/peer`;
  const p50 = medianOf(row, 'p50');
  return `${Math.round(trial.messagesPerSecond)} messages/s${p50 === undefined ? '' : `, p50 ${p50.toFixed(0)} µs`}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
