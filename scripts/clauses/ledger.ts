/**
 * The ledger of clauses: which ones docs/protocol defines, and which of them tests cite. It decides what is wrong;
 * reading files and printing is left to `scripts/clauses.ts`.
 *
 * A definition is `**[a0-tcp-3]**`, or `**[a0-rot-1 planned]**` for what is not built yet. A citation is `[a0-tcp-3]`, or
 * `[a0-tcp-3, a0-tcp-4]`, in a text of a test file, as a rule in the name of a test. Texts given to `skip` and `todo` prove nothing and do
 * not count.
 */
import type { Token } from '../source/tokens.ts';

/** A clause as it is defined. */
export interface Clause {
  readonly id: string;
  readonly isPlanned: boolean;
  /** `path:line`. */
  readonly place: string;
}

/** One mention of a clause by a test. */
export interface Citation {
  readonly id: string;
  readonly place: string;
}

/** What the documents define: clauses, and marks that look like one but are not. */
export interface Definitions {
  readonly clauses: readonly Clause[];
  readonly malformed: readonly string[];
}

/** The verdict. Everything but `cited` and `planned` is a fault. */
export interface Ledger {
  /** Clauses that need a citation and have one. */
  readonly cited: readonly Clause[];
  readonly planned: readonly Clause[];
  readonly uncited: readonly Clause[];
  /** Citations of clauses that nobody defined. */
  readonly unknown: readonly Citation[];
  /** Later definitions of an id that was defined before. */
  readonly duplicates: readonly Clause[];
}

const MARK = /\*\*\[([^\]\n]*)\]\*\*/g;
const DEFINITION = /^([a-z][a-z0-9]*(?:-[a-z]+)*-\d+)( planned)?$/;
const CITATION = /\[([a-z][a-z0-9]*(?:-[a-z]+)*-\d+(?:, [a-z][a-z0-9]*(?:-[a-z]+)*-\d+)*)\]/g;

/** The clauses that a document defines. */
export function definitionsOf(path: string, markdown: string): Definitions {
  const clauses: Clause[] = [];
  const malformed: string[] = [];
  markdown.split('\n').forEach((line, index) => {
    const place = `${path}:${index + 1}`;
    for (const [, mark = ''] of line.matchAll(MARK)) {
      const match = DEFINITION.exec(mark);
      if (match === null) malformed.push(`${place} [${mark}]`);
      else clauses.push({ id: match[1]!, isPlanned: match[2] !== undefined, place });
    }
  });
  return { clauses, malformed };
}

/** The citations in the texts of a test file. `families` are the first words of ids; brackets of others are no citations. */
export function citationsOf(path: string, tokens: readonly Token[], families: ReadonlySet<string>): Citation[] {
  const found: Citation[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'text' || isSkipped(tokens, index)) return;
    for (const [, ids = ''] of token.value.matchAll(CITATION)) {
      for (const id of ids.split(', ')) {
        if (families.has(familyOf(id))) found.push({ id, place: `${path}:${token.line}` });
      }
    }
  });
  return found;
}

/** The first words of all ids: what a citation must begin with. */
export function familiesOf(clauses: readonly Clause[]): Set<string> {
  return new Set(clauses.map((clause) => familyOf(clause.id)));
}

/** Holds definitions against citations. */
export function balance(clauses: readonly Clause[], citations: readonly Citation[]): Ledger {
  const byId = new Map<string, Clause>();
  const duplicates: Clause[] = [];
  for (const clause of clauses) {
    if (byId.has(clause.id)) duplicates.push(clause);
    else byId.set(clause.id, clause);
  }
  const citedIds = new Set(citations.map((citation) => citation.id));
  const built = [...byId.values()].filter((clause) => !clause.isPlanned);
  return {
    cited: built.filter((clause) => citedIds.has(clause.id)),
    planned: [...byId.values()].filter((clause) => clause.isPlanned),
    uncited: built.filter((clause) => !citedIds.has(clause.id)),
    unknown: citations.filter((citation) => !byId.has(citation.id)),
    duplicates,
  };
}

function familyOf(id: string): string {
  return id.slice(0, id.indexOf('-'));
}

/** `test.skip('...')`, `it.todo('...')`. */
function isSkipped(tokens: readonly Token[], index: number): boolean {
  const callee = tokens[index - 2]?.value;
  return (
    tokens[index - 1]?.value === '(' && tokens[index - 3]?.value === '.' && (callee === 'skip' || callee === 'todo')
  );
}
