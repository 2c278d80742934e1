import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkShape } from './shape.ts';
import { sourceFile } from './source-file.ts';

const found = (path: string, source = '') => checkShape(sourceFile(path, source)).map(({ text }) => text);
const lines = (count: number) => 'x;\n'.repeat(count);

test('a file of 400 lines needs no reason, one of 401 does', () => {
  assert.deepEqual(found('demo/a.ts', lines(400)), []);
  assert.deepEqual(found('demo/a.ts', lines(401)), [
    '401 lines; over 400 a file says why at its top: "Long on purpose: ..."',
  ]);
});

test('the reason stands in a comment at the top, and says something', () => {
  assert.deepEqual(found('demo/a.ts', `// Long on purpose: one table.\n${lines(500)}`), []);
  assert.deepEqual(
    found('demo/a.ts', `/**\n * The table.\n *\n * Long on purpose: one table.\n */\n${lines(500)}`),
    [],
  );
  assert.equal(found('demo/a.ts', `// Long on purpose:\n${lines(500)}`).length, 1);
  assert.equal(found('demo/a.ts', `${lines(500)}// Long on purpose: too late.`).length, 1);
});

test('files and folders are named for a concept, in kebab case', () => {
  assert.deepEqual(found('packages/domus/src/utils.ts'), ['"utils" names no concept']);
  assert.deepEqual(found('packages/domus/src/helpers/lane.ts'), ['"helpers" names no concept']);
  assert.deepEqual(found('packages/domus/src/common/types.test.ts'), [
    '"common" names no concept',
    '"types" names no concept',
  ]);
  assert.deepEqual(found('packages/domus/src/peerSession.ts'), ['file names are kebab-case']);
  assert.deepEqual(found('packages/domus/src/message-type.test.ts'), []);
});

test('classes are named for a role', () => {
  const source =
    'class PeerManager {} class X extends SessionBase {} const c = class Handler {}; type MessageHandler = 1;';
  assert.deepEqual(found('demo/a.ts', source), [
    'class PeerManager is named for no role',
    'class Handler is named for no role',
  ]);
});

test('only the doors of a package export what is not theirs', () => {
  const source = "export { a } from './a.ts';";
  for (const door of ['index', 'internal', 'testing']) assert.deepEqual(found(`packages/x/src/${door}.ts`, source), []);
  assert.deepEqual(found('packages/x/src/core/index.ts', source), ['./a.ts is exported again; only doors do that']);
  assert.deepEqual(found('packages/x/src/b.ts', "import { a } from './a.ts'; export { a };"), []);
});
