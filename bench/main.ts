/**
 * The benchmark: `npm run bench -- --help`. Each plan runs once a round, in two fresh processes on a core each; rounds
 * are interleaved, so that what is compared was measured in the same minutes; the report gives medians and spreads.
 */
import { writeFile } from 'node:fs/promises';
import { parseSettings, type Settings, USAGE } from './arguments.ts';
import { createCredentials } from './credentials.ts';
import { choosePinning, describeMachine } from './machine.ts';
import type { Plan } from './plan.ts';
import { formatReport, medianOf, type Row } from './report.ts';
import { runTrial, type Trial, type TrialOptions } from './trial.ts';

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

async function measure(settings: Settings): Promise<number> {
  const { plans, rounds, warmUpMs, windowMs, quick } = settings;
  const pinning = choosePinning();
  const options: TrialOptions = { credentials: await createCredentials(), pinning, warmUpMs, windowMs };
  const minutes = (rounds * plans.length * (warmUpMs + windowMs + 1_000)) / 60_000;
  say(`${plans.length} scenarios × ${rounds} rounds, about ${Math.ceil(minutes)} minutes`);
  const trials: Trial[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const plan of plans) await runOnce(plan, `${round}/${rounds} ${plan.name}`, options, trials, failures);
  }
  const rows = plans.flatMap((plan) => rowOf(plan, trials));
  const cipher = trials.find(({ agreed }) => agreed !== '')?.agreed ?? '';
  const machine = describeMachine(pinning, cipher);
  const method = `${rounds} interleaved rounds, ${warmUpMs / 1_000} s warm-up and ${windowMs / 1_000} s measured in each; medians`;
  const warning = quick ? '\nA QUICK RUN: for a look, not for publishing.' : '';
  process.stdout.write(`\n${machine}\n${method}${warning}\n\n${formatReport(rows)}`);
  if (settings.json !== undefined) {
    await writeFile(
      settings.json,
      `${JSON.stringify({ machine, method, at: new Date().toISOString(), trials }, null, 2)}\n`,
    );
  }
  if (failures.length > 0) process.stdout.write(`\nFAILED: ${failures.join(', ')}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** One trial; a failure is told at once and does not keep the other plans from running. */
async function runOnce(
  plan: Plan,
  label: string,
  options: TrialOptions,
  trials: Trial[],
  failures: string[],
): Promise<void> {
  try {
    const trial = await runTrial(plan, options);
    trials.push(trial);
    say(`${label}: ${headline(plan, trial)}`);
  } catch (error) {
    failures.push(label);
    say(`${label}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function rowOf(plan: Plan, trials: readonly Trial[]): Row[] {
  const own = trials.filter((trial) => trial.plan === plan.name);
  return own.length === 0 ? [] : [{ plan, trials: own }];
}

function headline(plan: Plan, trial: Trial): string {
  const row: Row = { plan, trials: [trial] };
  if (plan.kind === 'idle') return `${((medianOf(row, 'idle memory') ?? 0) / 1_024).toFixed(1)} KiB/peer`;
  const p50 = medianOf(row, 'p50');
  return `${Math.round(trial.messagesPerSecond)} messages/s${p50 === undefined ? '' : `, p50 ${p50.toFixed(0)} µs`}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
