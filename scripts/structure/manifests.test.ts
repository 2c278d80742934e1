import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkManifest, type Manifest } from './manifests.ts';
import { sourceFile } from './source-file.ts';

const files = [
  sourceFile(
    'packages/a/src/a.ts',
    "import 'node:fs'; import 'x'; import type { Y } from '@s/y/deep'; import './b.ts';",
  ),
  sourceFile('packages/a/src/a.test.ts', "import 'only-tested';"),
  sourceFile('packages/b/src/b.ts', "import 'only-in-b';"),
];
const found = (manifest: Partial<Manifest>) =>
  checkManifest({ path: 'package.json', package: 'a', ...manifest }, files).map(({ text }) => text);

test('dependencies that are imported, types included, and exact are well', () => {
  assert.deepEqual(found({ dependencies: { x: '1.2.3', '@s/y': 'workspace:*' } }), []);
});

test('a dependency that no product file of the package imports is told', () => {
  const dependencies = { x: '1.2.3', '@s/y': '1.2.3-rc.1', 'only-tested': '1.0.0', 'only-in-b': '1.0.0' };
  assert.deepEqual(found({ dependencies }), ['only-tested is imported by no file', 'only-in-b is imported by no file']);
});

test('an import that the manifest does not declare is told', () => {
  assert.deepEqual(found({ dependencies: { x: '1.2.3' } }), ['@s/y is imported, but not declared']);
});

test('a version range is told', () => {
  assert.deepEqual(found({ dependencies: { x: '^1.2.3', '@s/y': 'latest' } }), [
    'version of x is not exact: ^1.2.3',
    'version of @s/y is not exact: latest',
  ]);
});

test('a peer is declared, optional, exact and used', () => {
  const dependencies = { '@s/y': '1.2.3' };
  const peerDependenciesMeta = { x: { optional: true } };
  assert.deepEqual(found({ dependencies, peerDependencies: { x: '1.2.3' }, peerDependenciesMeta }), []);
  assert.deepEqual(found({ dependencies, peerDependencies: { x: '^1.2.3', z: '1.0.0' } }), [
    'version of x is not exact: ^1.2.3',
    'peer x is not optional',
    'peer z is not optional',
    'z is imported by no file',
  ]);
});

test('in a private package the imports of tests count as well', () => {
  const dependencies = { x: '1.2.3', '@s/y': '1.2.3', 'only-tested': '1.0.0' };
  assert.deepEqual(found({ private: true, dependencies }), []);
});

test('the root may hold tools, the packages of the workspace, and what tests import', () => {
  const devDependencies = {
    typescript: '7.0.2',
    '@types/node': '20.0.0',
    'only-tested': '1.0.0',
    '@s/y': 'workspace:*',
    x: '1.0.0',
  };
  assert.deepEqual(found({ package: undefined, devDependencies }), ['x is imported by no test and no tool']);
});
