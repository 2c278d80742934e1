/** The body of the two processes of a trial: loads the road of its run, then does what it is told (`conversation.ts`). */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Command, Meters } from './conversation.ts';
import type { Receiving, Sending } from './road.ts';
import { roadOf } from './roads.ts';
import { Tally } from './tally.ts';

/** Resident memory is at rest when two readings in a row differ by less. */
const REST_BYTES = 256 * 1024;
const REST_INTERVAL_MS = 200;
const REST_READINGS_MAX = 50;

const halves: (Receiving | Sending)[] = [];
let tally: Tally | undefined;

let closed = false;

process.on('message', (command: Command) => {
  obey(command).then(answer, fail);
});
// The harness is gone. After an orderly close the process has to end by itself, which shows that nothing was left open.
process.on('disconnect', () => {
  if (!closed) process.exit(1);
});

async function obey(command: Command): Promise<Answer> {
  switch (command.kind) {
    case 'receive': {
      const road = await roadOf(command.run.plan);
      tally = new Tally(false);
      halves.push(await road.receive(command.run, tally));
      return { kind: 'receiving' };
    }
    case 'send': {
      const { run, peers } = command;
      const road = await roadOf(run.plan);
      tally ??= new Tally(run.plan.depth === 1);
      const sending = await road.send(run, tally, peers);
      halves.push(sending);
      return { kind: 'sending', agreed: sending.agreed };
    }
    case 'read': {
      if (command.settle) await memoryAtRest();
      return { kind: 'meters', meters: readMeters() };
    }
    case 'close': {
      for (const half of halves.reverse()) await half.close();
      closed = true;
      return { kind: 'closed' };
    }
  }
}

function readMeters(): Meters {
  const { user, system } = process.cpuUsage();
  const meters = {
    atMs: performance.now(),
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    acked: tally?.acked ?? 0,
    fairness: tally?.fairness() ?? null,
    latency: tally?.latency() ?? null,
  };
  tally?.restartLaps();
  return meters;
}

/** Only processes of idle plans are started with `--expose-gc`. */
async function memoryAtRest(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('a process that settles its memory needs --expose-gc');
  let last = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < REST_READINGS_MAX; reading++) {
    globalThis.gc();
    const rss = process.memoryUsage.rss();
    if (Math.abs(last - rss) < REST_BYTES) return;
    last = rss;
    await delay(REST_INTERVAL_MS);
  }
}

function answer(message: Answer): void {
  process.send?.(message, () => {
    if (message.kind === 'closed') process.disconnect();
  });
}

function fail(error: unknown): void {
  answer({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
