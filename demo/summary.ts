/** The end of a run in words: what was done, and whether anything was lost, doubled or changed. */
import type { CallFigures, GatewayFigures, StreamFigures } from './processes.ts';

/** What the demo knows of its orders at the end. */
export interface OrderOutcome {
  readonly figures: GatewayFigures;
  readonly total: number;
  readonly seconds: number;
  /** The ids in the journals of all workers. */
  readonly applied: readonly number[];
  /** Orders that came again after they had been applied. */
  readonly repeats: number;
}

/** What the demo knows of its stream at the end. */
export interface StreamOutcome {
  readonly figures: StreamFigures;
  readonly cuts: number;
  readonly sockets: number;
  /** Chunks that have arrived, each counted once. */
  readonly chunksIn: number;
  readonly sha256: string;
  /** The far end has hashed the same. */
  readonly isEqual: boolean;
}

export interface Summary {
  readonly lines: readonly string[];
  readonly isGood: boolean;
}

export function orderSummary({ figures, total, seconds, applied, repeats }: OrderOutcome): Summary {
  const distinct = new Set(applied).size;
  const lost = total - distinct;
  const twice = applied.length - distinct;
  const rate = count(Math.round(total / seconds));
  const rows: [string, string][] = [
    [
      'orders acknowledged',
      `${count(figures.acknowledged)} in ${seconds.toFixed(1)} s (${rate} a second, outages included)`,
    ],
    ['latency', `p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms`],
    [
      'ambiguous, sent again',
      `${count(figures.ambiguous)} (of these ${repeats} had been applied, and were not applied twice)`,
    ],
    ['refused, sent again', `${figures.retried}`],
    ['lost', `${lost}`],
    ['applied twice', `${twice}`],
  ];
  return { lines: rows.map(row), isGood: lost === 0 && twice === 0 && figures.acknowledged === total };
}

export function streamSummary({ figures, cuts, sockets, chunksIn, sha256, isEqual }: StreamOutcome): Summary {
  const { acknowledged, chunksOut, seconds } = figures;
  const rows: [string, string][] = [
    ['bytes streamed', `${count(acknowledged)} in ${seconds.toFixed(2)} s (${rateText(acknowledged, seconds)})`],
    ['cuts', cuts === 0 ? '0 (nothing was on its way)' : `${cuts} (${counted(sockets, 'socket')})`],
    ['chunks sent again', `${count(chunksOut - chunksIn)} of ${count(chunksIn)}`],
    ['SHA-256', `${sha256.slice(0, 16)}… ${isEqual ? 'at both ends' : 'at one end only'}`],
  ];
  return { lines: rows.map(row), isGood: isEqual };
}

export function serviceSummary({ answered, failed, lastFailure }: CallFigures): Summary {
  const workers = Object.entries(answered).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = workers.reduce((sum, [, each]) => sum + each, 0);
  const shares = workers.map(([name, each]) => `${name} ${count(each)}`).join(', ');
  const rows: [string, string][] = [
    ['calls answered', `${count(total)} (${shares})`],
    ['calls failed', failed === 0 ? '0' : `${count(failed)} (the last one: ${lastFailure})`],
  ];
  return { lines: rows.map(row), isGood: failed === 0 };
}

/** A number as people read it. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** So many things. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`;
}

/** Bytes as people read them. */
export function sizeText(bytes: number): string {
  return bytes < 1e6 ? counted(bytes, 'byte') : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function rateText(bytes: number, seconds: number): string {
  return `${(seconds === 0 ? 0 : bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}

function row([label, text]: [string, string]): string {
  return `  ${label.padEnd(24)} ${text}`;
}
