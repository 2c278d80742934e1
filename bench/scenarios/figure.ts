/** What a scenario finds out, and how it is shown. Pure. */
import { formatTable } from '../report.ts';
import { spreadOf } from '../spread.ts';

/** One number of one run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** What it may be at most; undefined: for information. */
  readonly goal?: number;
}

/** The runs of one scenario as a table: the median of each figure, and its ends. */
export function formatFigures(scenario: string, runs: readonly (readonly Figure[])[]): string {
  const names = [...new Set(runs.flatMap((figures) => figures.map(({ name }) => name)))];
  const lines = names.map((name) => {
    const found = runs.flatMap((figures) => figures.filter((figure) => figure.name === name));
    const { median, min, max } = spreadOf(found.map(({ value }) => value));
    const goal = found[0]?.goal;
    const verdict = goal === undefined ? ['', ''] : [`≤ ${shown(goal)}`, median <= goal ? 'met' : 'MISSED'];
    return [`${scenario}: ${name}`, `${shown(median)} (${shown(min)}–${shown(max)})`, ...verdict];
  });
  return formatTable([['scenario', `median (min–max) of ${runs.length}`, 'goal', ''], ...lines]);
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}
