import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokensOf } from '../source/tokens.ts';
import { balance, citationsOf, definitionsOf, familiesOf } from './ledger.ts';

// The ids here begin with `zz`, a family that no document defines, so that the real check passes over them.
const document = `- **[zz-one-1]** First.
| **[zz-one-2 planned]** | later | **[zz-two-1]** |
See [zz-one-1](#there).`;

const citationsIn = (source: string) => citationsOf('a.test.ts', tokensOf(source), new Set(['zz']));

test('a definition is an id in bold square brackets, wherever it stands in a line', () => {
  const { clauses, malformed } = definitionsOf('a.md', document);
  assert.deepEqual(clauses, [
    { id: 'zz-one-1', isPlanned: false, place: 'a.md:1' },
    { id: 'zz-one-2', isPlanned: true, place: 'a.md:2' },
    { id: 'zz-two-1', isPlanned: false, place: 'a.md:2' },
  ]);
  assert.deepEqual(malformed, []);
  assert.deepEqual([...familiesOf(clauses)], ['zz']);
});

test('a mark that is no id is told, not passed over', () => {
  const { clauses, malformed } = definitionsOf('a.md', '**[zz-one]** **[zz-1 soon]** **[ZZ-2]**');
  assert.deepEqual(clauses, []);
  assert.deepEqual(malformed, ['a.md:1 [zz-one]', 'a.md:1 [zz-1 soon]', 'a.md:1 [ZZ-2]']);
});

test('citations are read from texts, alone or in lists', () => {
  const source = "test('[zz-1] a', f);\ntest(`[zz-a-2, zz-3] of [zz-4]`, f);\nconst cases = [{ name: '[zz-5] b' }];";
  assert.deepEqual(
    citationsIn(source).map(({ id, place }) => `${id} ${place}`),
    ['zz-1 a.test.ts:1', 'zz-a-2 a.test.ts:2', 'zz-3 a.test.ts:2', 'zz-4 a.test.ts:2', 'zz-5 a.test.ts:3'],
  );
});

test('comments, other families and skipped tests cite nothing', () => {
  const source = "// [zz-1]\nx[a-1]; test('[4-7] [other-1] [zz]'); test.skip('[zz-2] a', f); t.todo('[zz-3] b');";
  assert.deepEqual(citationsIn(source), []);
});

test('the balance tells cited, planned, uncited, unknown and duplicate ids apart', () => {
  const { clauses } = definitionsOf('a.md', `${document}\n**[zz-one-1]**`);
  const ledger = balance(clauses, citationsIn("test('[zz-one-1] [zz-one-9]');"));
  assert.deepEqual(
    ledger.cited.map((clause) => clause.id),
    ['zz-one-1'],
  );
  assert.deepEqual(
    ledger.planned.map((clause) => clause.id),
    ['zz-one-2'],
  );
  assert.deepEqual(
    ledger.uncited.map((clause) => clause.id),
    ['zz-two-1'],
  );
  assert.deepEqual(ledger.unknown, [{ id: 'zz-one-9', place: 'a.test.ts:1' }]);
  assert.deepEqual(
    ledger.duplicates.map((clause) => clause.place),
    ['a.md:4'],
  );
});

test('a citation of a planned clause is welcome', () => {
  const { clauses } = definitionsOf('a.md', '**[zz-1 planned]**');
  const ledger = balance(clauses, citationsIn("test('[zz-1] early');"));
  assert.deepEqual([ledger.planned.length, ledger.unknown.length, ledger.uncited.length], [1, 0, 0]);
});
