/**
 * Many seeds over several processes. What comes out does not depend on how many there are: batches are put together in the
 * order of their seeds, and of several failures the one with the lowest seed counts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../from-source.ts';
import { type Batch, type BatchReport, runBatch } from './batch.ts';
import { Coverage } from './coverage.ts';

const BATCH_SEEDS = 20;
const CHILD = fileURLToPath(new URL('batch-child.ts', import.meta.url));

export interface RunReport {
  readonly seeds: number;
  /** The lowest seed that has failed. */
  readonly failed: number | undefined;
  /** A seed that gave another trace when it ran again. */
  readonly differs: number | undefined;
  readonly events: number;
  readonly sends: number;
  /** Over the hashes of all seeds, in their order. */
  readonly hash: string;
  readonly coverage: Coverage;
}

/** Simulates seeds `first` to `first + seeds - 1` in `jobs` processes; one runs in this one. */
export async function runMany(first: number, seeds: number, events: number, jobs: number): Promise<RunReport> {
  const batches: Batch[] = [];
  for (let at = first; at < first + seeds; at += BATCH_SEEDS)
    batches.push({ first: at, seeds: Math.min(BATCH_SEEDS, first + seeds - at), events });
  const reports: BatchReport[] = [];
  if (jobs <= 1) {
    for (const batch of batches) {
      reports.push(runBatch(batch));
      if (reports.at(-1)!.failed !== undefined) break;
    }
  } else {
    const children = Array.from({ length: Math.min(jobs, batches.length) }, () =>
      fork(CHILD, { execArgv: [...FROM_SOURCE] }),
    );
    await Promise.all(children.map((child) => serve(child, batches, reports)));
  }
  return summed(reports);
}

/** Gives a child one batch after the other, until none is left or one has failed; batches are taken in order. */
async function serve(child: ChildProcess, batches: Batch[], reports: BatchReport[]): Promise<void> {
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`a simulating process ended (${signal ?? code})`)));
  });
  ended.catch(() => {});
  while (batches.length > 0 && !reports.some(({ failed }) => failed !== undefined)) {
    const answer = new Promise<BatchReport>((resolve) => child.once('message', resolve));
    child.send(batches.shift()!);
    reports.push(await Promise.race([answer, ended]));
  }
  child.disconnect();
}

function summed(reports: BatchReport[]): RunReport {
  const coverage = new Coverage();
  let hash = 0n;
  let seeds = 0;
  let events = 0;
  let sends = 0;
  let failed: number | undefined;
  let differs: number | undefined;
  for (const report of reports.sort((a, b) => a.first - b.first)) {
    for (const each of report.hashes) hash = BigInt.asUintN(64, (hash ^ BigInt(`0x${each}`)) * 0x100_0000_01b3n);
    for (const [situation, times] of report.coverage) coverage.saw(situation, times);
    seeds += report.hashes.length;
    events += report.events;
    sends += report.sends;
    failed = report.failed;
    differs ??= report.differs;
    if (failed !== undefined) break;
  }
  return { seeds, failed, differs, events, sends, hash: hash.toString(16).padStart(16, '0'), coverage };
}
