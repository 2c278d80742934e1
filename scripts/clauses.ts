/**
 * Fails on a clause of docs/protocol that no test cites, on a citation of a clause that does not exist, and on an id
 * defined twice. Prints one line when all is well; with `--report` also lists what is uncited, per document.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { balance, type Citation, type Clause, citationsOf, definitionsOf, familiesOf } from './clauses/ledger.ts';
import { filesUnder } from './source/files.ts';
import { tokensOf } from './source/tokens.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const documents = filesUnder(root, 'docs/protocol', '.md').map((path) => definitionsOf(path, read(path)));
const clauses = documents.flatMap((document) => document.clauses);
const families = familiesOf(clauses);
const ledger = balance(clauses, testFiles().flatMap(citations));
const faults = [
  ...documents.flatMap((document) => document.malformed).map((place) => `${place}: not a clause id`),
  ...ledger.duplicates.map((clause) => `${clause.place}: [${clause.id}] is defined twice`),
  ...ledger.unknown.map((citation) => `${citation.place}: cites [${citation.id}], which no document defines`),
];

for (const fault of faults) process.stdout.write(`${fault}\n`);
if (process.argv.includes('--report')) report(ledger.uncited);
process.stdout.write(
  `clauses: ${ledger.cited.length} of ${ledger.cited.length + ledger.uncited.length} cited by tests, ${ledger.planned.length} planned\n`,
);
if (ledger.uncited.length > 0) {
  const ids = ledger.uncited.map((clause) => clause.id);
  process.stdout.write(
    `no test cites: ${ids.slice(0, 20).join(' ')}${ids.length > 20 ? ' ... (--report lists all)' : ''}\n`,
  );
}
if (faults.length + ledger.uncited.length > 0) process.exitCode = 1;

/** Test files, and the suites, cases and scenarios that they share. */
function testFiles(): string[] {
  const sources = ['packages', 'interop', 'conformance', 'demo', 'examples', 'bench', 'scripts'].flatMap((folder) =>
    filesUnder(root, folder, '.ts'),
  );
  return sources.filter(
    (path) =>
      path.endsWith('.test.ts') || /^(interop|conformance|packages\/testkit|packages\/[^/]+\/test)\//.test(path),
  );
}

function citations(path: string): Citation[] {
  return citationsOf(path, tokensOf(read(path), path), families);
}

function report(uncited: readonly Clause[]): void {
  for (const clause of uncited) process.stdout.write(`${clause.place}: [${clause.id}] is cited by no test\n`);
}
