import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { dropPromise } from './promise-given.ts';

test('a promise of any realm or library is told from an answer, and may reject', async () => {
  const withThen = (object: object, then: unknown): object => Object.defineProperty(object, 'then', { value: then });
  const rejecting = (_: unknown, reject: (reason: unknown) => void) => reject(new Error('late'));
  const throwing = () => {
    throw new Error('at once');
  };
  for (const promise of [
    Promise.resolve(1),
    Promise.reject(new Error('rejected')),
    runInNewContext('Promise.reject(new Error("of another realm"))'),
    withThen({}, rejecting),
    withThen({}, throwing),
    withThen(() => {}, rejecting),
  ]) {
    assert.equal(dropPromise(promise), true);
  }
  const answers = [undefined, null, 0, 'then', Symbol('then'), {}, withThen({}, 1), [], () => {}, new Uint8Array(1)];
  for (const answer of answers) {
    assert.equal(dropPromise(answer), false);
  }
  await new Promise(setImmediate); // an unhandled rejection would end the test here
});
