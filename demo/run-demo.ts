/** Runs the demo as a newcomer does, in a folder of the test, and reads what it says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { FROM_SOURCE } from '@flaminia/testkit';

const [, test = ''] = process.argv;
const ending = extname(test);
/** As the test is run, so is the demo: bundled, or from its source. */
const main = join(dirname(test), `main${ending}`);
const flags = ending === '.ts' ? FROM_SOURCE : [];

/** The folder for temporary files of this test file; runs of the demo keep theirs in it. */
export const scratch: string = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-demo-')));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** What runs have left behind. */
export function leftovers(): string[] {
  return readdirSync(scratch).filter((name) => name.startsWith('flaminia-'));
}

/** A finished run. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does when a line that it waits for has come. */
export interface Moment {
  readonly line: RegExp;
  act(group: number): void;
}

/** Runs the demo in a process group of its own, as a terminal would. */
export async function run(args: readonly string[], moment?: Moment): Promise<Run> {
  const command = [...flags, main, ...args];
  const env = { ...process.env, TMPDIR: scratch, NODE_OPTIONS: '' };
  const child = spawn(process.execPath, command, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, due] = ['', '', moment];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (due?.line.test(stdout) !== true) return;
    due.act(child.pid!);
    due = undefined;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  await untilGone(child.pid!);
  return { code, stdout, stderr };
}

/** Only where a process is left does a test wait so long. */
const GIVE_UP_MS = 60_000;

/** Waits for the end of a process group; the loader's compiler ends a moment after the program. */
async function untilGone(group: number): Promise<void> {
  const givenUp = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      process.kill(-group, 0);
    } catch {
      return;
    }
    assert.ok(performance.now() < givenUp, 'a process of the demo is left');
    await pause(5);
  }
}

/** The figure behind a label of the summary. */
export function figure(stdout: string, label: string): number {
  const text = new RegExp(`^  ${label} +([\\d,]+)`, 'm').exec(stdout)?.[1];
  assert.ok(text !== undefined, `no "${label}" in ${stdout}`);
  return Number(text.replaceAll(',', ''));
}

/** What every good run says at its end; `bytes` went over the stream. */
export function assertSummary({ code, stdout, stderr }: Run, total: number, bytes: number): void {
  assert.deepEqual([code, stderr], [0, ''], stdout);
  const labels = ['orders acknowledged', 'lost', 'applied twice'];
  assert.deepEqual(
    labels.map((label) => figure(stdout, label)),
    [total, 0, 0],
  );
  assert.equal(figure(stdout, 'bytes streamed'), bytes);
  assert.match(stdout, / bytes streamed +[\d,]+ in [\d.]+ s \([\d.]+ MB\/s\)\n/);
  assert.match(stdout, /\nworker-1 has all .*, and their SHA-256 is that of the sender\n/);
  assert.match(stdout, / SHA-256 +[\da-f]{16}… at both ends\n/);
}

/** What a run says in whose stream there was something to cut. */
export function assertCut(stdout: string): void {
  assert.deepEqual([figure(stdout, 'cuts')], [1]);
  assert.match(stdout, /\nthe connections between gateway and worker-1 were cut when .* had arrived\n/);
  assert.match(stdout, /\nthe stream goes on by itself, after \d+ ms\n/);
}

/** What a run says of its services: who came and went, and that no call has failed. */
export function assertServices(stdout: string): void {
  const lines = [
    ...['worker-3', 'worker-4', 'worker-5'].map((name) => `topology: ${name} (has joined, and )?offers prices/v1`),
    'worker-4 is told to leave after [\\d,]+ calls',
    'topology: worker-4 has left',
    'worker-5 was killed after [\\d,]+ calls',
    'topology: worker-5 does not answer',
    'topology: worker-5 is dead',
    '  calls answered +[\\d,]+ \\(worker-3 [\\d,]+, worker-4 [\\d,]+, worker-5 [\\d,]+\\)',
  ];
  for (const line of lines) assert.match(stdout, new RegExp(`^${line}$`, 'm'));
  assert.match(stdout, /^worker-4 has let [\d,]+ calls? finish, and cut 0$/m);
  assert.equal(figure(stdout, 'calls failed'), 0);
}

/** A file to stream, and the start of its hash. */
export function fileOf(name: string, content: Uint8Array): { readonly path: string; readonly sha256: string } {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return { path, sha256: createHash('sha256').update(content).digest('hex').slice(0, 16) };
}
