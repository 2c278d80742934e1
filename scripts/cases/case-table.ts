/**
 * The table of docs/services-cases.md against the tests: each case of the services has one row, which names the tests that
 * prove it, or says why there is none. It decides what is wrong; reading files and printing is left to `scripts/cases.ts`.
 */
import type { Citation } from '../clauses/ledger.ts';

/** How many cases there are. */
export const CASES = 93;
/** A reason is a sentence. */
const SHORTEST_REASON = 20;

/** One row of the table. */
export interface CaseRow {
  readonly number: number;
  /** Test files, beginning below `packages/` or at the root. */
  readonly files: readonly string[];
  /** Why no test proves it, or part of it; empty where one does. */
  readonly reason: string;
}

/** The rows of the table: `| 41 | what it says | a/b.test.ts, c.test.ts |`, or a sentence after or instead of the files. */
export function rowsOf(markdown: string): CaseRow[] {
  const rows: CaseRow[] = [];
  for (const line of markdown.split('\n')) {
    const [, number, where] = /^\| (\d+)[^|]* \|.*\| (.*) \|$/.exec(line) ?? [];
    if (number === undefined || where === undefined) continue;
    const files = where.match(/[\w./-]+\.test\.ts/g) ?? [];
    const reason = where.replace(/[\w./-]+\.test\.ts/g, '').replace(/^[\s,;]+/, '');
    rows.push({ number: Number(number), files, reason });
  }
  return rows;
}

/** What is wrong with the table, or with the citations: `[case-41]` in a text of a test is one. */
export function faultsOf(rows: readonly CaseRow[], citations: readonly Citation[]): string[] {
  const cited = new Map<number, Set<string>>();
  for (const { id, place } of citations) {
    const number = Number(id.slice('case-'.length));
    const files = cited.get(number) ?? new Set();
    cited.set(number, files.add(place.slice(0, place.lastIndexOf(':'))));
  }
  const faults = [...cited.keys()].filter((number) => !isCase(number)).map((number) => `there is no case ${number}`);
  for (let number = 1; number <= CASES; number++) {
    const own = rows.filter((row) => row.number === number);
    if (own.length === 1) faults.push(...faultsOfRow(own[0]!, cited.get(number) ?? new Set()));
    else faults.push(`case ${number} has ${own.length} rows`);
  }
  return [...faults, ...rows.filter((row) => !isCase(row.number)).map(({ number }) => `there is no case ${number}`)];
}

function faultsOfRow({ number, files, reason }: CaseRow, cited: ReadonlySet<string>): string[] {
  if (files.length === 0) {
    if (cited.size > 0) return [`case ${number} is cited by ${[...cited].join(', ')}, which its row does not name`];
    return reason.length < SHORTEST_REASON ? [`case ${number} has neither a test nor a reason`] : [];
  }
  const untrue = files.filter((file) => !cited.has(file) && !cited.has(`packages/${file}`));
  return untrue.map((file) => `case ${number} is not cited by ${file}`);
}

function isCase(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= CASES;
}
