/** The tables of a run: a line per plan, the ratios, and what makes the figures doubtful. Pure: trials in, text out. */
import { COMPARISONS, type Comparison, isGoalMet, type Metric, metricOf, wantsMore } from './comparisons.ts';
import type { Plan } from './plan.ts';
import { type Spread, spreadOf } from './spread.ts';
import { isDisturbed, QUIET_SHARE, type Trial } from './trial.ts';

/** A trial and the round that it belongs to, from 1. */
export interface RoundTrial extends Trial {
  readonly round: number;
}

/** A plan with its trials, at most one per round; at least one. */
export interface Row {
  readonly plan: Plan;
  readonly trials: readonly RoundTrial[];
}

/** All that a run has to say, below the line about the machine. */
export function formatReport(rows: readonly Row[]): string {
  const rates = rows.filter(({ plan }) => plan.kind === 'rate');
  const idles = rows.filter(({ plan }) => plan.kind === 'idle');
  const ratios = COMPARISONS.flatMap((comparison) => formatRatio(comparison, rows));
  const parts = [
    ...(rates.length === 0 ? [] : [formatTable([RATE_HEAD, ...rates.map(formatRate)])]),
    ...(idles.length === 0 ? [] : [formatTable([IDLE_HEAD, ...idles.map(formatIdle)])]),
    ...(ratios.length === 0 ? [] : [formatTable([RATIO_HEAD, ...ratios])]),
    ...formatDoubts(rows),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Median of a number over the trials of a row; undefined if a trial has none. */
export function medianOf(row: Row, metric: Metric): number | undefined {
  return spreadOver(row, (trial) => metricOf(trial, metric))?.median;
}

/** Columns, the first one to the left and the others to the right, in Markdown. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}

const RATE_HEAD = [
  'scenario',
  'name',
  'depth',
  'bytes',
  'messages/s (min–max)',
  'MB/s',
  'p50 µs',
  'p99 µs',
  'fairness',
  'sender µs/msg',
  'of a core',
  'receiver µs/msg',
  'of a core',
  'others',
];

function formatRate(row: Row): string[] {
  const { plan, trials } = row;
  const rate = spreadOver(row, (trial) => trial.messagesPerSecond)!;
  const cpu = (side: 'senderShare' | 'receiverShare'): string[] => {
    const perMessage = spreadOf(trials.map((trial) => (trial[side] / trial.messagesPerSecond) * 1e6)).median;
    return [perMessage.toFixed(perMessage < 10 ? 2 : 1), percent(spreadOf(trials.map((trial) => trial[side])).median)];
  };
  return [
    plan.title,
    plan.name,
    String(plan.depth),
    String(plan.payloadBytes),
    `${thousands(rate.median)} (${thousands(rate.min)}–${thousands(rate.max)})`,
    ((rate.median * plan.payloadBytes) / 1e6).toFixed(1),
    medianOf(row, 'p50')?.toFixed(0) ?? '',
    medianOf(row, 'p99')?.toFixed(0) ?? '',
    medianOf(row, 'fairness')?.toFixed(3) ?? '',
    ...cpu('senderShare'),
    ...cpu('receiverShare'),
    othersOf(row),
  ];
}

const IDLE_HEAD = ['scenario', 'name', 'peers', 'KiB/peer (min–max)', 'timers/peer', 'receiver of a core', 'others'];

function formatIdle(row: Row): string[] {
  const memory = spreadOver(row, (trial) => trial.idle?.rssBytesPerPeer)!;
  const timers = spreadOver(row, (trial) => trial.idle?.timersPerPeer)!;
  return [
    row.plan.title,
    row.plan.name,
    String(row.plan.peers),
    `${kibibytes(memory.median)} (${kibibytes(memory.min)}–${kibibytes(memory.max)})`,
    timers.median.toFixed(2),
    percent(spreadOf(row.trials.map((trial) => trial.receiverShare)).median),
    othersOf(row),
  ];
}

const RATIO_HEAD = ['compared', 'metric', 'result', 'min–max', 'goal', ''];

function formatRatio(comparison: Comparison, rows: readonly Row[]): string[][] {
  const { ours, against, isDifference = false, metric, goal } = comparison;
  const [own, other] = [ours, against].map((name) => rows.find(({ plan }) => plan.name === name));
  if (own === undefined || (against !== undefined && other === undefined)) return [];
  const results = resultsOf(own, other, metric, isDifference ? difference : quotient);
  if (results.length === 0) return [];
  const digits = isDifference ? 0 : 2;
  const { median: result, min, max } = spreadOf(results);
  const spread = results.length === 1 ? '' : `${min.toFixed(digits)}–${max.toFixed(digits)}`;
  const goalText = goal === undefined ? '' : `${wantsMore(metric) ? '≥' : '≤'} ${goal.toFixed(digits)}`;
  const verdict = goal === undefined ? '' : isGoalMet(comparison, result) ? 'met' : 'MISSED';
  const compared = against === undefined ? ours : `${ours} ${isDifference ? '−' : '/'} ${against}`;
  return [[compared, metric, result.toFixed(digits), spread, goalText, verdict]];
}

type Compare = (ours: number, theirs: number) => number;
const quotient: Compare = (ours, theirs) => ours / theirs;
const difference: Compare = (ours, theirs) => ours - theirs;

/**
 * One result for each round that both have: the machine's speed changes, and a round is a few minutes of it. That of the medians
 * where they have no round in common.
 */
function resultsOf(own: Row, other: Row | undefined, metric: Metric, compare: Compare): number[] {
  if (other === undefined) return own.trials.flatMap((trial) => metricOf(trial, metric) ?? []);
  const compared = (ours: number | undefined, theirs: number | undefined): number[] =>
    ours === undefined || theirs === undefined ? [] : [compare(ours, theirs)];
  const paired = own.trials.flatMap((trial) => {
    const partner = other.trials.find(({ round }) => round === trial.round);
    return compared(metricOf(trial, metric), partner && metricOf(partner, metric));
  });
  return paired.length > 0 ? paired : compared(medianOf(own, metric), medianOf(other, metric));
}

function formatDoubts(rows: readonly Row[]): string[] {
  const disturbed = rows.filter(({ trials }) => trials.some(isDisturbed));
  if (disturbed.length === 0) return [];
  const names = disturbed.map(({ plan }) => plan.name).join(', ');
  return [
    `DISTURBED: other programs took more than ${percent(QUIET_SHARE)} of a core during ${names}. ` +
      'Take the CPU per message of these rows, not their rates, and repeat them on a quiet machine.',
  ];
}

function othersOf({ trials }: Row): string {
  const shares = trials.flatMap(({ othersShare }) => (othersShare === null ? [] : [othersShare]));
  return shares.length === 0 ? '?' : percent(spreadOf(shares).max);
}

function spreadOver({ trials }: Row, read: (trial: Trial) => number | undefined): Spread | undefined {
  const sample = trials.flatMap((trial) => read(trial) ?? []);
  return sample.length === trials.length && sample.length > 0 ? spreadOf(sample) : undefined;
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function thousands(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

function kibibytes(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)}%`;
}
