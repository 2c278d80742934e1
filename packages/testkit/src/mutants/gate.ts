/** Runs mutants, each in a process of its own: a planted bug must be in the source before anything is loaded. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Catch } from './hunt.ts';
import { checkApplies, type Mutant } from './mutant.ts';

const HOOK = new URL('hook.mjs', import.meta.url).href;
const HUNT = fileURLToPath(new URL('hunt.ts', import.meta.url));
/** Events of a seed: many short seeds differ more than few long ones. */
export const EVENTS = 2000;

export interface Verdict {
  readonly mutant: Mutant;
  readonly caught: Catch;
}

/** Hunts each mutant through its seeds, `jobs` at a time; `told` hears of each as it ends. */
export async function hunt(
  mutants: readonly Mutant[],
  seedsOf: (mutant: Mutant) => readonly number[],
  jobs: number,
  told: (verdict: Verdict) => void = () => {},
): Promise<Verdict[]> {
  for (const mutant of mutants) checkApplies(mutant);
  const verdicts: Verdict[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < mutants.length; at = next++) {
      const mutant = mutants[at]!;
      const verdict = { mutant, caught: await huntOne(seedsOf(mutant), mutant) };
      verdicts.push(verdict);
      told(verdict);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return verdicts;
}

/** Runs the seeds with a bug, or without one. */
export function huntOne(seeds: readonly number[], mutant?: Mutant): Promise<Catch> {
  const planted = mutant === undefined ? [] : ['--import', HOOK];
  const args = [
    '--conditions=@flaminia/source',
    ...planted,
    '--import',
    'tsx',
    HUNT,
    String(EVENTS),
    ...seeds.map(String),
  ];
  const env = { ...process.env, FLAMINIA_MUTANT: JSON.stringify(mutant) };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Catch);
      else reject(new Error(`the simulation of mutant ${mutant?.name ?? 'none'} ended with code ${code}`));
    });
  });
}
