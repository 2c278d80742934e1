import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf } from './imports.ts';
import { tokensOf } from './tokens.ts';

const shown = (source: string) =>
  importsOf(tokensOf(source)).map(({ specifier, typeOnly }) => `${typeOnly ? 'type' : 'value'} ${specifier}`);

test('every form of an import that exists at run time is a value', () => {
  for (const form of [
    "import 'x';",
    "import a from 'x';",
    "import * as a from 'x';",
    "import { a } from 'x';",
    "import { type a, b } from 'x';",
    "import a, { type b } from 'x';",
    "import { type } from 'x';",
    "import { type as a } from 'x';",
    "import type from 'x';",
    "import {} from 'x';",
    "const a = await import('x');",
    "const a = require('x');",
    "export * from 'x';",
    "export * as a from 'x';",
    "export { a } from 'x';",
  ]) {
    assert.deepEqual(shown(form), ['value x'], form);
  }
});

test('imports of types alone are known as such', () => {
  for (const form of [
    "import type a from 'x';",
    "import type { a } from 'x';",
    "import type * as a from 'x';",
    "import { type a, type b as c } from 'x';",
    "import { type a, } from 'x';",
    "export type { a } from 'x';",
    "export type * from 'x';",
    "export { type a } from 'x';",
  ]) {
    assert.deepEqual(shown(form), ['type x'], form);
  }
});

test('what only looks like an import is none', () => {
  assert.deepEqual(shown("import.meta.url; a.import('x'); export const b = 'x'; export { b }; // import 'x'"), []);
  assert.deepEqual(shown("const text = `import 'x'`; ({ import: 'x' });"), []);
});

test('imports in a row keep order, line and direction', () => {
  const found = importsOf(tokensOf("import { a } from './a.ts';\nexport { b } from './b.ts';"));
  assert.deepEqual(found, [
    { specifier: './a.ts', line: 1, typeOnly: false, isReExport: false },
    { specifier: './b.ts', line: 2, typeOnly: false, isReExport: true },
  ]);
});
