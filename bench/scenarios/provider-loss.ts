/**
 * One of three providers is killed under load: how many calls fail, and how long the others are slower than before. Calls are
 * idempotent, made at a fixed rate, and timed from when they were due.
 */
import { type Credentials, createSides } from '../credentials.ts';
import { percentile } from '../spread.ts';
import type { LoadResult } from './conversation.ts';
import type { Figure } from './figure.ts';
import { NodeProcess } from './node-process.ts';

const PROVIDERS = 3;
/** What is measured. */
const FULL: LossPlan = { perSecond: 1_000, warmUpMs: 3_000, durationMs: 6_000, killedAtMs: 2_000 };
/** Over which a p99 is taken, and by how much the next one begins later. */
const SPAN_MS = 500;
const STEP_MS = 50;
const RECOVERED_GOAL_MS = 1_000;
/** Over p99 of before the loss, a span is no longer recovered. */
const RECOVERED = 2;

/** How many calls, for how long, and when the provider is killed. Times are milliseconds, whole spans. */
export interface LossPlan {
  readonly perSecond: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly killedAtMs: number;
}

export async function providerLoss(credentials: Credentials, plan: LossPlan = FULL): Promise<readonly Figure[]> {
  const { killedAtMs, ...times } = plan;
  const sides = await createSides(credentials, PROVIDERS + 1);
  const nodes = sides.map(() => new NodeProcess());
  try {
    const [first, ...others] = sides;
    for (const [index, side] of [first!, ...others].entries()) {
      const seeds = index === 0 ? [] : [first!.address];
      await nodes[index]!.ask({ kind: 'open', side, seeds, provides: index < PROVIDERS }, 'open');
    }
    const client = nodes[PROVIDERS]!;
    const load = { ...times, victim: { pid: nodes[1]!.pid, atMs: killedAtMs } };
    const { result } = await client.ask({ kind: 'load', providers: PROVIDERS, load }, 'loaded');
    return figuresOf(result, plan);
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
  }
}

function figuresOf({ latenciesMs, failures }: LoadResult, { perSecond, durationMs, killedAtMs }: LossPlan): Figure[] {
  const p99Of = (fromMs: number, toMs: number): number => {
    const perMs = perSecond / 1_000;
    return percentile(latenciesMs.slice(fromMs * perMs, toMs * perMs).sort(), 99);
  };
  const before = p99Of(0, killedAtMs);
  let recoveredAt = killedAtMs;
  while (recoveredAt + SPAN_MS <= durationMs && p99Of(recoveredAt, recoveredAt + SPAN_MS) > RECOVERED * before)
    recoveredAt += STEP_MS;
  const isRecovered = recoveredAt + SPAN_MS <= durationMs;
  const spans = Array.from({ length: durationMs / SPAN_MS }, (_, span) => span * SPAN_MS);
  return [
    { name: `failed calls of ${latenciesMs.length}`, value: failures.length, goal: 0 },
    ...[...new Set(failures)].map((code) => ({
      name: `failed with ${code}`,
      value: failures.filter((failure) => failure === code).length,
    })),
    {
      name: 'ms from the loss until p99 is within 2 × before',
      value: isRecovered ? recoveredAt - killedAtMs : Number.POSITIVE_INFINITY,
      goal: RECOVERED_GOAL_MS,
    },
    { name: 'p99 before the loss, ms', value: before },
    ...spans.map((from) => ({ name: `p99 from ${from / 1_000} s, ms`, value: p99Of(from, from + SPAN_MS) })),
    { name: 'slowest call, ms', value: Math.max(...latenciesMs) },
  ];
}
