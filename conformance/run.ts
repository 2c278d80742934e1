/**
 * `npm run conformance -- [node|rust|MODULE...] [--only WORD...]`: plays the cases over TCP and Unix sockets against both
 * implementations, one of them, or the one that a module exports as `implementation`. Prints what differs, and counts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CASES } from './cases/all.ts';
import { type Difference, RUST_DIFFERENCES } from './differences.ts';
import { TRANSPORTS } from './ground.ts';
import type { Implementation } from './implementation.ts';
import { type Judgement, judge, type Performance } from './judgement.ts';
import { NODE } from './node-implementation.ts';
import { RUST } from './rust-implementation.ts';
import { Theatre } from './theatre.ts';

interface Candidate {
  readonly implementation: Implementation;
  readonly differences: readonly Difference[];
}

/** Cases that are played at once. */
const PARALLEL = 12;

const REPEATS = 8;

const only = process.argv.indexOf('--only');
const words = only < 0 ? [] : process.argv.slice(only + 1);
const cases = CASES.filter(({ id }) => words.length === 0 || words.some((word) => id.includes(word)));
const names = process.argv.slice(2, only < 0 ? undefined : only);

if (only >= 0 && words.length === 0) refuse('--only needs a word');
if (cases.length === 0) refuse(`no case has an id with ${words.join(' or ')}`);
const candidates = await Promise.all((names.length > 0 ? names : ['node', 'rust']).map(candidateOf));
print(`conformance: ${cases.length} cases`);
for (const candidate of candidates) {
  if (candidate !== undefined && !(await examine(candidate))) process.exitCode = 1;
}

/** What the name stands for; undefined where it cannot be had here, which is said aloud. */
async function candidateOf(name: string): Promise<Candidate | undefined> {
  if (name === 'node') return { implementation: NODE, differences: [] };
  if (name === 'rust') return hasCargo() ? { implementation: RUST, differences: RUST_DIFFERENCES } : undefined;
  if (name.startsWith('-')) refuse(`there is no option ${name}`);
  const path = resolve(name);
  if (!existsSync(path)) refuse(`${name} is neither node nor rust, nor the path of a module`);
  const module = (await import(pathToFileURL(path).href)) as Partial<Candidate>;
  if (module.implementation === undefined) refuse(`${name} exports no implementation`);
  return { implementation: module.implementation, differences: module.differences ?? [] };
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\nnpm run conformance -- [node|rust|MODULE...] [--only WORD...]\n`);
  process.exit(2);
}

/** The machine of .ci/run must have cargo: there, its absence is a failure. */
function hasCargo(): boolean {
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0) return true;
  print('SKIPPED: conformance of the Rust crate, since cargo is not installed');
  if (process.env.CI === 'true') process.exitCode = 1;
  return false;
}

/** Plays all cases, prints what is wrong and the counts; true if nothing is. */
async function examine({ implementation, differences }: Candidate): Promise<boolean> {
  const judgements: Judgement[] = [];
  for (const performance of await playAll(implementation)) {
    const judgement = judge(performance, differences);
    const isStrict = judgement.kind !== 'failed' || differences.length === 0;
    judgements.push(isStrict ? judgement : await playAgain(implementation, differences, performance, judgement));
  }
  for (const judgement of judgements) if (judgement.kind === 'failed') print(`FAILED ${judgement.text}`);
  for (const [reason, count] of reasonsOf(judgements)) print(`  differs in ${count}: ${reason}`);
  const count = (kind: Judgement['kind']): number => judgements.filter((judgement) => judgement.kind === kind).length;
  const listed = count('listed') > 0 ? `, ${count('listed')} listed differences` : '';
  print(
    `${implementation.name}: ${judgements.length} runs, ${count('passed')} passed${listed}, ${count('failed')} failed`,
  );
  return count('failed') === 0;
}

async function playAll(implementation: Implementation): Promise<readonly Performance[]> {
  const performances: Performance[] = [];
  for (const transport of TRANSPORTS) {
    const queue = cases.filter(({ transports }) => transports?.includes(transport) !== false);
    const theatre = await Theatre.open(implementation);
    const playInTurn = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        performances.push({ conformanceCase: next, transport, verdict: await theatre.play(next, transport) });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, playInTurn));
    await theatre.close();
  }
  return performances;
}

/**
 * What an implementation that is known to differ does at times depends on the order of events inside it, and that on the machine: a
 * case fails if it never comes out as listed, alone, in an imperium of its own.
 */
async function playAgain(
  implementation: Implementation,
  differences: readonly Difference[],
  { conformanceCase, transport }: Performance,
  first: Judgement,
): Promise<Judgement> {
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    const theatre = await Theatre.open(implementation);
    const verdict = await theatre.play(conformanceCase, transport);
    await theatre.close();
    const judgement = judge({ conformanceCase, transport, verdict }, differences);
    if (judgement.kind === 'failed') continue;
    print(`played again: ${conformanceCase.id} over ${transport}, as listed at try ${repeat + 1}`);
    return judgement;
  }
  return first;
}

function reasonsOf(judgements: readonly Judgement[]): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const judgement of judgements) {
    if (judgement.kind === 'listed') reasons.set(judgement.reason, (reasons.get(judgement.reason) ?? 0) + 1);
  }
  return reasons;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
