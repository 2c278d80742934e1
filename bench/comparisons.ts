/** Which rows are held against which, and what the ratio ought to be. A ratio is the median of those of the rounds of one run. */
import type { Trial } from './trial.ts';

/**
 * What is compared: each reads one number of a trial. `cpu` is that of the busier side per message, in microseconds: it
 * stands still when other programs use the machine, and a rate does not.
 */
export type Metric = 'rate' | 'fairness' | 'cpu' | 'p50' | 'p99' | 'idle memory';

/** One line of the report: `ours` divided by `against`, or what it is more, or by itself. */
export interface Comparison {
  readonly ours: string;
  /** Undefined: the number of `ours` is the result. */
  readonly against?: string;
  /** Take the difference, in the unit of the metric, instead of the ratio. */
  readonly isDifference?: true;
  readonly metric: Metric;
  /** What the project sets itself: at least, or for times and memory at most. Undefined: for information. */
  readonly goal?: number;
}

/** In the order of the report. */
export const COMPARISONS: readonly Comparison[] = [
  { ours: 'domus-tls-128', against: 'p2p-128', metric: 'rate', goal: 0.45 },
  { ours: 'domus-tls-4096', against: 'p2p-4096', metric: 'rate', goal: 0.35 },
  { ours: 'domus-unix-128', against: 'p3p-128', metric: 'rate', goal: 0.4 },
  { ours: 'domus-unix-4096', against: 'p3p-4096', metric: 'rate', goal: 0.3 },
  { ours: 'paced-tls-128', against: 'p2p-128', metric: 'rate', goal: 0.45 },
  { ours: 'paced-tls-4096', against: 'p2p-4096', metric: 'rate', goal: 0.35 },
  { ours: 'paced-unix-128', against: 'p3p-128', metric: 'rate', goal: 0.4 },
  { ours: 'paced-unix-4096', against: 'p3p-4096', metric: 'rate', goal: 0.3 },
  { ours: 'domus-tls-128', against: 'p2p-128', metric: 'cpu' },
  { ours: 'domus-tls-4096', against: 'p2p-4096', metric: 'cpu' },
  { ours: 'domus-unix-128', against: 'p3p-128', metric: 'cpu' },
  { ours: 'domus-unix-4096', against: 'p3p-4096', metric: 'cpu' },
  { ours: 'domus-tls-128', against: 'p2a-128', metric: 'rate' },
  { ours: 'domus-tls-4096', against: 'p2a-4096', metric: 'rate' },
  { ours: 'domus-unix-128', against: 'p3a-128', metric: 'rate' },
  { ours: 'domus-unix-4096', against: 'p3a-4096', metric: 'rate' },
  { ours: 'domus-tls-128', against: 'ws-128', metric: 'rate', goal: 1 },
  { ours: 'domus-tls-4096', against: 'ws-4096', metric: 'rate', goal: 1 },
  { ours: 'domus-tls-128', against: 'wsc-128', metric: 'rate' },
  { ours: 'domus-tls-4096', against: 'wsc-4096', metric: 'rate' },
  { ours: 'domus-tls-1', against: 'p1t', metric: 'p50', goal: 1.25 },
  { ours: 'domus-tls-1', against: 'p1t', metric: 'p99' },
  { ours: 'domus-tls-1', against: 'ws-1', metric: 'p50' },
  { ours: 'domus-unix-1', against: 'p1u', metric: 'p50' },
  { ours: 'domus-unix-128', against: 'unreported-128', metric: 'rate', goal: 0.98 },
  { ours: 'domus-unix-4096', against: 'unreported-4096', metric: 'rate', goal: 0.98 },
  { ours: 'domus-unix-128', against: 'unreported-128', metric: 'cpu' },
  { ours: 'domus-unix-4096', against: 'unreported-4096', metric: 'cpu' },
  { ours: 'domus-1k', against: 'p2-1k', metric: 'rate', goal: 0.5 },
  { ours: 'domus-16k', against: 'p2-16k', metric: 'rate', goal: 0.7 },
  { ours: 'blob-tls', against: 'p4', metric: 'rate', goal: 0.75 },
  { ours: 'blob-tls', against: 'p4', metric: 'cpu' },
  { ours: 'blob-tls-1200', against: 'p4', metric: 'rate' },
  { ours: 'blob-tls-64', against: 'blob-tls', metric: 'rate', goal: 0.9 },
  { ours: 'blob-tls-64', metric: 'fairness', goal: 0.95 },
  { ours: 'blob-unix', against: 'p5', metric: 'rate', goal: 0.55 },
  { ours: 'blob-unix', against: 'p5', metric: 'cpu' },
  { ours: 'blob-ping', against: 'domus-tls-1', metric: 'p99', goal: 6 },
  { ours: 'reconnect', against: 'connect', metric: 'p50' },
  { ours: 'reconnect', against: 'connect', isDifference: true, metric: 'p50', goal: 10_000 },
  { ours: 'unary-tls-1', against: 'p1t', metric: 'p50', goal: 1.35 },
  { ours: 'unary-tls-1', against: 'p1t', metric: 'p99' },
  { ours: 'unary-tls-1', against: 'grpc-1', metric: 'p50', goal: 0.4 },
  { ours: 'unary-tls-1', against: 'capnweb-1', metric: 'p50' },
  { ours: 'unary-unix-1', against: 'p1u', metric: 'p50' },
  { ours: 'unary-tls-128', against: 'p2e-128', metric: 'rate', goal: 0.25 },
  { ours: 'unary-tls-128', against: 'p2e-128', metric: 'cpu' },
  { ours: 'unary-tls-128', against: 'capnweb-128', metric: 'rate', goal: 2 },
  { ours: 'unary-tls-128', against: 'grpc-128', metric: 'rate' },
  { ours: 'unary-unix-128', against: 'p3e-128', metric: 'rate' },
  { ours: 'items-tls', against: 'domus-tls-128', metric: 'rate', goal: 0.5 },
  { ours: 'items-unix', against: 'domus-unix-128', metric: 'rate', goal: 0.5 },
  { ours: 'idle-domus', against: 'p7', metric: 'idle memory', goal: 1.6 },
];

/** Whether this metric wants to be large; all others want to be small. */
export function wantsMore(metric: Metric): boolean {
  return metric === 'rate' || metric === 'fairness';
}

/** Whether a result keeps the goal. */
export function isGoalMet({ goal, metric }: Comparison, result: number): boolean {
  if (goal === undefined) return true;
  return wantsMore(metric) ? result >= goal : result <= goal;
}

/** The number of a trial that a metric compares; undefined where the trial has none. */
export function metricOf(trial: Trial, metric: Metric): number | undefined {
  switch (metric) {
    case 'rate':
      return trial.messagesPerSecond;
    case 'fairness':
      return trial.fairness ?? undefined;
    case 'cpu':
      return (Math.max(trial.senderShare, trial.receiverShare) / trial.messagesPerSecond) * 1e6;
    case 'p50':
      return trial.latency?.p50;
    case 'p99':
      return trial.latency?.p99;
    case 'idle memory':
      return trial.idle?.rssBytesPerPeer;
  }
}
