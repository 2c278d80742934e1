/**
 * `npm run fuzz`: seeded inputs for everything that reads bytes of strangers.
 *
 *   npm run fuzz                                        every target for a while
 *   npm run fuzz -- --target cbor --executions 1000000 --seed 7
 *   npm run fuzz -- --seconds 600                       shared by all targets
 *   npm run fuzz -- --target cbor --input 8301f6a0      one input, and what comes of it
 *   npm run fuzz -- --save                              keeps what is new, made small, in the committed corpus
 *
 * Exit code 1 for a broken promise: it is printed with target, seed, execution and input.
 */
import { argumentsOf, refuse, wholeNumber } from '../arguments.ts';
import { type CampaignResult, campaign } from './campaign.ts';
import { readCorpus, writeCorpus } from './corpus-file.ts';
import { minimize } from './minimize.ts';
import type { FuzzTarget } from './target.ts';
import { TARGETS } from './targets.ts';
import { Watchdog } from './watchdog.ts';

const DEFAULT_EXECUTIONS = 100_000;
const LONGEST_MS = 50;

const USAGE = 'npm run fuzz -- [--target NAME] [--executions N] [--seconds N] [--seed N] [--input HEX] [--save]';

const values = argumentsOf(USAGE, {
  target: { type: 'string' },
  executions: { type: 'string' },
  seed: { type: 'string' },
  seconds: { type: 'string' },
  input: { type: 'string' },
  save: { type: 'boolean' },
});
// Whoever reads only the beginning has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const targets = values.target === undefined ? TARGETS : TARGETS.filter(({ name }) => name === values.target);
if (targets.length === 0) refuse(USAGE, `--target must be one of ${TARGETS.map(({ name }) => name).join(', ')}`);
const seconds = values.seconds === undefined ? undefined : wholeNumber(USAGE, 'seconds', values.seconds, 0);
const unlimited = seconds === undefined ? DEFAULT_EXECUTIONS : Number.MAX_SAFE_INTEGER;
const executions = wholeNumber(USAGE, 'executions', values.executions, unlimited);
const seed = wholeNumber(USAGE, 'seed', values.seed, 1);
process.exitCode = values.input === undefined ? await runAll() : replayGiven(values.input);

async function runAll(): Promise<number> {
  const watchdog = new Watchdog();
  let all = 0;
  let code = 0;
  for (const target of targets) {
    const { executions: done, failure } = runOne(target, watchdog);
    all += done;
    if (failure !== undefined) code = 1;
  }
  process.stdout.write(`${all} executions of ${targets.length} targets, seed ${seed}\n`);
  await watchdog.stop();
  return code;
}

function runOne(target: FuzzTarget, watchdog: Watchdog): CampaignResult {
  const corpus = readCorpus(target.name);
  const began = performance.now();
  const usedBefore = process.cpuUsage();
  const until = began + ((seconds ?? 0) * 1000) / targets.length;
  const result = campaign(target, {
    seed,
    executions,
    corpus,
    longestMs: LONGEST_MS,
    begins: (_execution, input) => watchdog.begins(input),
    ...(seconds === undefined ? {} : { isOver: () => performance.now() >= until }),
  });
  watchdog.rests();
  const { user, system } = process.cpuUsage(usedBefore);
  show(target, result, (performance.now() - began) / 1000, (user + system) / 1e6);
  if (values.save === true && result.failure === undefined) save(target, result, corpus);
  return result;
}

/** `took` are seconds of the clock, `used` those of the processor: on a machine with other work only these say how fast it is. */
function show(target: FuzzTarget, result: CampaignResult, took: number, used: number): void {
  const { executions: done, features, corpusSize, meanBytes, slowestMs, failure } = result;
  process.stdout.write(
    `${target.name}: ${done} executions in ${took.toFixed(1)} s, ${(done / used).toFixed(0)} a second of processor time; ` +
      `${features} features, corpus ${corpusSize}, inputs of ${meanBytes.toFixed(0)} bytes, ` +
      `slowest ${slowestMs.toFixed(1)} ms\n`,
  );
  for (const [verdict, count] of [...result.verdicts].sort((a, b) => b[1] - a[1]))
    process.stdout.write(`${((100 * count) / done).toFixed(1).padStart(8)} %  ${verdict}\n`);
  if (failure === undefined) return;
  const hex = Buffer.from(failure.input).toString('hex');
  process.stdout.write(`FAILED: target ${target.name}, seed ${seed}, execution ${failure.execution}, input ${hex}\n`);
  process.stdout.write(`${explain(failure.error)}\n`);
  process.stdout.write(`again: npm run fuzz -- --target ${target.name} --input ${hex}\n`);
}

function save(target: FuzzTarget, { found }: CampaignResult, corpus: readonly Uint8Array[]): void {
  const kept = minimize(target, [...corpus, ...found], target.seeds());
  writeCorpus(target.name, kept);
  process.stdout.write(`${target.name}: ${kept.length} inputs in the committed corpus\n`);
}

function replayGiven(hex: string): number {
  const [target] = targets;
  if (target === undefined || targets.length > 1) refuse(USAGE, '--input needs a --target');
  if (!/^(?:[\da-f]{2})*$/i.test(hex)) refuse(USAGE, '--input must be hex');
  return replay(hex, target);
}

function replay(hex: string, target: FuzzTarget): number {
  try {
    const { verdict, features } = target.run(Uint8Array.from(Buffer.from(hex, 'hex')));
    process.stdout.write(`${verdict}\n${features.map((feature) => `  ${feature}\n`).join('')}`);
    return 0;
  } catch (error) {
    process.stdout.write(`FAILED: ${explain(error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
