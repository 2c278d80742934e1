/** Fifty nodes on one machine, each in a process: how long until everybody lists everybody, and what they cost when nothing happens. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Credentials, createSides } from '../credentials.ts';
import { spreadOf } from '../spread.ts';
import type { Figure } from './figure.ts';
import { NodeProcess } from './node-process.ts';

const FULL: CrowdPlan = { count: 50, restMs: 5_000, idleMs: 10_000 };
const LISTED_GOAL_S = 15;
const IDLE_GOAL_PERCENT = 3;

/** How many nodes, and how long they are left alone. */
export interface CrowdPlan {
  readonly count: number;
  /** Between the last news and the idle time that is measured, in milliseconds. */
  readonly restMs: number;
  /** In milliseconds. */
  readonly idleMs: number;
}

export async function fifty(
  credentials: Credentials,
  { count, restMs, idleMs }: CrowdPlan = FULL,
): Promise<readonly Figure[]> {
  const sides = await createSides(credentials, count);
  const [seed] = sides;
  const nodes: NodeProcess[] = [];
  try {
    const opened: Promise<unknown>[] = [];
    for (const side of sides) {
      const node = new NodeProcess();
      nodes.push(node);
      const seeds = side === seed ? [] : [seed!.address];
      const open = node.ask({ kind: 'open', side, seeds, provides: true }, 'open');
      opened.push(open);
      // The seed listens before the first of the others starts.
      if (side === seed) await open;
    }
    const startedAt = Date.now();
    await Promise.all(opened);
    const openedAt = Date.now();
    const opening = await cpuOf(nodes);
    const listed = await Promise.all(nodes.map((node) => node.ask({ kind: 'list', nodes: count }, 'listed')));
    const listedAt = Math.max(...listed.map(({ atMs }) => atMs));
    const joined = await cpuOf(nodes);
    await delay(restMs);
    const idle = await idleSharesOf(nodes, idleMs);
    const { median, max } = spreadOf(idle);
    return [
      { name: 's from the last start until all are open', value: (openedAt - startedAt) / 1_000 },
      { name: 's from then until all list all', value: Math.max(0, listedAt - openedAt) / 1_000, goal: LISTED_GOAL_S },
      { name: 's from the last start until all list all', value: (listedAt - startedAt) / 1_000, goal: LISTED_GOAL_S },
      { name: 's of CPU of a node until it is open, mean', value: opening / count / 1_000 },
      { name: 's of CPU of a node from then until it lists all, mean', value: (joined - opening) / count / 1_000 },
      { name: '% of a core for a silent node, median', value: median * 100, goal: IDLE_GOAL_PERCENT },
      { name: '% of a core for a silent node, most', value: max * 100, goal: IDLE_GOAL_PERCENT },
    ];
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
  }
}

/** Of all of them since they started, in milliseconds. */
async function cpuOf(nodes: readonly NodeProcess[]): Promise<number> {
  const answers = await Promise.all(nodes.map((node) => node.ask({ kind: 'cpu' }, 'cpu')));
  return answers.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** Of one core, while nothing is asked of anybody. */
async function idleSharesOf(nodes: readonly NodeProcess[], idleMs: number): Promise<number[]> {
  const read = (): Promise<{ readonly cpuMs: number; readonly atMs: number }[]> =>
    Promise.all(nodes.map((node) => node.ask({ kind: 'cpu' }, 'cpu')));
  const first = await read();
  await delay(idleMs);
  const last = await read();
  return last.map(({ cpuMs, atMs }, index) => (cpuMs - first[index]!.cpuMs) / (atMs - first[index]!.atMs));
}
