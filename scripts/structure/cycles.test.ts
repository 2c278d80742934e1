import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCycles } from './cycles.ts';
import { sourceFile } from './source-file.ts';

/** Files that import each other as given: `{ a: ['b'] }` is `a.ts` with an import of `b.ts`. */
function found(graph: Readonly<Record<string, readonly string[]>>): string[] {
  const files = Object.entries(graph).map(([name, targets]) =>
    sourceFile(`packages/x/src/${name}.ts`, targets.map((target) => `import './${target}.ts';`).join('\n')),
  );
  return checkCycles(files).map(({ text }) => text.replaceAll('packages/x/src/', ''));
}

test('a tree and a diamond have no cycle', () => {
  assert.deepEqual(found({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }), []);
});

test('each file of a cycle is told once, with the shortest way around', () => {
  assert.deepEqual(found({ a: ['b', 'c'], b: ['c'], c: ['a'] }), [
    'import cycle: a.ts -> c.ts -> a.ts',
    'import cycle: b.ts -> c.ts -> a.ts -> b.ts',
  ]);
  assert.deepEqual(found({ a: ['a'] }), ['import cycle: a.ts -> a.ts']);
});

test('a file that only leads to a cycle is not on it', () => {
  assert.deepEqual(found({ a: ['b'], b: ['c'], c: ['b'] }), ['import cycle: b.ts -> c.ts -> b.ts']);
});

test('imports of types make cycles too, and folders are followed', () => {
  const files = [
    sourceFile('packages/x/src/a.ts', "import type { B } from './core/b.ts';"),
    sourceFile('packages/x/src/core/b.ts', "import type { A } from '../a.ts';"),
  ];
  assert.equal(checkCycles(files).length, 1);
});
