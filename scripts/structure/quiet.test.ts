import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { filesUnder } from '../source/files.ts';
import { checkQuiet } from './quiet.ts';
import { sourceFile } from './source-file.ts';

const found = (source: string, path = 'packages/domus/src/a.ts') => checkQuiet(sourceFile(path, source)).length;

test('every way to the console is told', () => {
  const source = "console.log('x'); process.stdout.write('x');\nprocess.stderr.write('x'); process.emitWarning('x');";
  assert.equal(found(source), 4);
  assert.equal(found('this.console.log(); // console.log()\nchild.stdout.on(); options.process;'), 0);
});

test('tests and programs may write', () => {
  for (const path of ['packages/domus/src/a.test.ts', 'packages/testkit/src/sim/main.ts', 'demo/a.ts']) {
    assert.equal(found('console.log()', path), 0, path);
  }
});

test('[api-10] no library of the repository writes to the console', () => {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const files = filesUnder(root, 'packages', '.ts').map((path) =>
    sourceFile(path, readFileSync(join(root, path), 'utf8')),
  );
  assert.deepEqual(files.flatMap(checkQuiet), []);
});
