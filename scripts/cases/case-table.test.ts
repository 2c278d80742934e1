import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Citation } from '../clauses/ledger.ts';
import { CASES, faultsOf, rowsOf } from './case-table.ts';

const row = (number: number | string, where: string): string => `| ${number} | what it says | ${where} |`;
const cites = (number: number, place = `packages/a/x.test.ts:${number}`): Citation => ({ id: `case-${number}`, place });
const ALL = Array.from({ length: CASES }, (_, index) => index + 1);

/** A whole table, some of whose rows say otherwise. */
function tableWith(others: Readonly<Record<number, string>>): string {
  return ALL.map((number) => row(number, others[number] ?? 'a/x.test.ts')).join('\n');
}

test('a row has a number, test files and what is said beside them', () => {
  const table = [
    row(1, 'a/x.test.ts, b/y-z.test.ts'),
    row('2 †', 'not here: no list'),
    row(3, 'a/x.test.ts; the rest is not'),
  ];
  assert.deepEqual(rowsOf(`| case | says | where |\n| --- | --- | --- |\n${table.join('\n')}`), [
    { number: 1, files: ['a/x.test.ts', 'b/y-z.test.ts'], reason: '' },
    { number: 2, files: [], reason: 'not here: no list' },
    { number: 3, files: ['a/x.test.ts'], reason: 'the rest is not' },
  ]);
});

test('a whole table whose tests cite their cases has no fault', () => {
  assert.deepEqual(
    faultsOf(
      rowsOf(tableWith({})),
      ALL.map((number) => cites(number)),
    ),
    [],
  );
});

test('a case without a test needs a reason, and its row may not be behind the tests', () => {
  const without7 = ALL.filter((number) => number !== 7).map((number) => cites(number));
  const reason = 'the application decides that';
  assert.deepEqual(faultsOf(rowsOf(tableWith({ 7: reason })), without7), []);
  assert.deepEqual(faultsOf(rowsOf(tableWith({ 7: '–' })), without7), ['case 7 has neither a test nor a reason']);
  assert.deepEqual(faultsOf(rowsOf(tableWith({ 7: reason })), [...without7, cites(7, 'demo/y.test.ts:3')]), [
    'case 7 is cited by demo/y.test.ts, which its row does not name',
  ]);
});

test('a row that names a file without the citation, a missing, a second and an unknown case are told', () => {
  const all = ALL.map((number) => cites(number));
  assert.deepEqual(faultsOf(rowsOf(tableWith({ 9: 'b/other.test.ts' })), all), [
    'case 9 is not cited by b/other.test.ts',
  ]);
  assert.deepEqual(faultsOf(rowsOf(tableWith({})).slice(1), all), ['case 1 has 0 rows']);
  assert.deepEqual(faultsOf(rowsOf(`${tableWith({})}\n${row(4, 'a/x.test.ts')}`), all), ['case 4 has 2 rows']);
  assert.deepEqual(faultsOf(rowsOf(`${tableWith({})}\n${row(94, 'a/x.test.ts')}`), all), ['there is no case 94']);
  assert.deepEqual(faultsOf(rowsOf(tableWith({})), [...all, cites(0)]), ['there is no case 0']);
});
