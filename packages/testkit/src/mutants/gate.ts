/**
 * Runs mutants in child processes. Each child holds a copy of the simulator for each mutant that it has hunted, so it ends after
 * some.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../from-source.ts';
import type { Catch, Hunt, SeedRun, SimulatorName } from './hunt.ts';
import { checkApplies, type Mutant } from './mutant.ts';

const HOOK = new URL('hook.mjs', import.meta.url).href;
const HUNT = fileURLToPath(new URL('hunt.ts', import.meta.url));
/** Events of a seed: short ones find as much as long ones for the same work (docs/reliability.md). */
export const EVENTS = 1000;
const MUTANTS_PER_CHILD = 30;

export interface Verdict {
  /** Undefined for the control run, without a bug. */
  readonly mutant: Mutant | undefined;
  readonly caught: Catch;
}

/** What is to be hunted, on which seeds. */
export interface Quarry {
  readonly mutant: Mutant | undefined;
  readonly seeds: readonly SeedRun[];
}

/** Hunts everything, `jobs` at a time; `told` hears of each verdict as it comes. */
export async function hunt(
  quarries: readonly Quarry[],
  jobs: number,
  told: (verdict: Verdict) => void = () => {},
  simulator: SimulatorName = 'sim',
): Promise<Verdict[]> {
  for (const { mutant } of quarries) if (mutant !== undefined) checkApplies(mutant);
  const left = [...quarries];
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    while (left.length > 0) await huntSome(left, verdicts, told, simulator);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, left.length) }, work));
  return verdicts;
}

async function huntSome(
  left: Quarry[],
  verdicts: Verdict[],
  told: (verdict: Verdict) => void,
  simulator: SimulatorName,
): Promise<void> {
  const child = start(left.flatMap(({ mutant }) => mutant ?? []));
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`a hunting process ended (${signal ?? code})`)));
  });
  ended.catch(() => {});
  for (let hunted = 0; hunted < MUTANTS_PER_CHILD; hunted++) {
    const quarry = left.shift();
    if (quarry === undefined) break;
    const answer = new Promise<Catch>((resolve) => child.once('message', resolve));
    child.send({ simulator, mutant: quarry.mutant?.name, seeds: quarry.seeds } satisfies Hunt);
    const verdict = { mutant: quarry.mutant, caught: await Promise.race([answer, ended]) };
    verdicts.push(verdict);
    told(verdict);
  }
  child.disconnect();
}

function start(mutants: readonly Mutant[]): ChildProcess {
  const execArgv = ['--import', HOOK, ...FROM_SOURCE];
  return fork(HUNT, { execArgv, env: { ...process.env, FLAMINIA_MUTANTS: JSON.stringify(mutants) } });
}
