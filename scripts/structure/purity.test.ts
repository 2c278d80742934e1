import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPurity } from './purity.ts';
import { sourceFile } from './source-file.ts';

const core = 'packages/delivery-a1/src/core/a.ts';
const found = (source: string, path = core) => checkPurity(sourceFile(path, source)).map(({ text }) => text);

test('a machine that takes time as an argument is pure', () => {
  const source = `import { DomusError } from '@flaminia/transport-a0';
    import { encode } from '../wire/encode.ts';
    /** Never calls setTimeout; Date.now() comes as an argument. */
    export function tick(now: number, chunk: Buffer, process: string): number {
      this.performance = Math.max(now, 1); // not performance.now()
      return options.crypto?.async ?? 'Promise'.length;
    }`;
  assert.deepEqual(found(source), []);
});

test('each impure word is told', () => {
  for (const source of [
    'setTimeout(f, 1);',
    'const stop = setInterval;',
    'setImmediate(f);',
    'queueMicrotask(f);',
    'const now = Date.now();',
    'const at = new Date();',
    'performance.now();',
    'Math.random();',
    'crypto.getRandomValues(a);',
    'process.nextTick(f);',
    'globalThis.x;',
    'Buffer.alloc(1);',
    'x instanceof Buffer;',
    'new Buffer(1);',
    'function f(): PromiseLike<void> {}',
    'await x;',
    'const y = a ? Date : b;',
  ]) {
    assert.equal(found(source).length, 1, source);
  }
  assert.equal(found('async function f(): Promise<void> {}').length, 2);
});

test('imports of Node and of the shell are told, types included', () => {
  assert.deepEqual(found("import type { Socket } from 'node:net';"), ['core imports node:net']);
  assert.deepEqual(found("import 'events';"), ['core imports events']);
  assert.deepEqual(found("import { clock } from '../shell/clock.ts';"), ['core imports the shell: ../shell/clock.ts']);
});

test('the rule is for core folders, and not for their tests', () => {
  assert.deepEqual(found('setTimeout(f, 1);', 'packages/delivery-a1/src/shell/a.ts'), []);
  assert.deepEqual(found("import 'node:test';", 'packages/delivery-a1/src/core/a.test.ts'), []);
  assert.equal(found('setTimeout(f, 1);', 'packages/services-a2/src/health/core/a.ts').length, 1);
});
