/**
 * Fails on a case of the services that neither a test cites nor docs/services-cases.md gives a reason for, and on a row of that
 * table which is not true. Prints one line when all is well.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASES, faultsOf, rowsOf } from './cases/case-table.ts';
import { citationsOf } from './clauses/ledger.ts';
import { filesUnder } from './source/files.ts';
import { tokensOf } from './source/tokens.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const tests = ['packages', 'examples', 'demo', 'interop'].flatMap((folder) => filesUnder(root, folder, '.test.ts'));
const citations = tests.flatMap((path) => citationsOf(path, tokensOf(read(path), path), new Set(['case'])));
const rows = rowsOf(read('docs/services-cases.md'));
const faults = faultsOf(rows, citations);

for (const fault of faults) process.stdout.write(`${fault}\n`);
const proved = rows.filter(({ files }) => files.length > 0).length;
process.stdout.write(`cases of the services: ${proved} of ${CASES} proved by tests\n`);
if (faults.length > 0) process.exitCode = 1;
