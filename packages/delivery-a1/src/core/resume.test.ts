import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resumeAsDialler, resumeAsListener } from './resume.ts';

test('the dialler: all rows of the hello table', () => {
  assert.equal(resumeAsDialler(false, false), 'continue');
  assert.equal(resumeAsDialler(true, true), 'continue');
  assert.equal(resumeAsDialler(true, false), 'restart');
  assert.equal(resumeAsDialler(false, true), 'violation');
});

test('the listener: a plain hello to a held session without a newer primary is a restart, and one to resume a life that the peer may not hold', () => {
  for (const asked of [false, true]) {
    for (const held of [false, true]) {
      for (const confirmed of [false, true]) {
        for (const newer of [false, true]) {
          const restart = held && (asked ? !confirmed : !newer);
          assert.equal(resumeAsListener(asked, held, confirmed, newer), restart ? 'restart' : 'continue');
        }
      }
    }
  }
});
