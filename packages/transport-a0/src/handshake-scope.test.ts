import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from './domus-error.ts';
import { type HandshakeEnd, HandshakeScope } from './handshake-scope.ts';

function scopeWith(peer?: 'tcp://127.0.0.1:1'): { scope: HandshakeScope; log: string[]; ends: HandshakeEnd[] } {
  const log: string[] = [];
  const ends: HandshakeEnd[] = [];
  const scope = new HandshakeScope((end) => {
    log.push('ended');
    ends.push(end);
  }, peer);
  return { scope, log, ends };
}

const failure = (text: string): DomusError => new DomusError('peer-unavailable', text, { detail: 'x', cause: 'why' });

test('[a0-adm-4] the first end counts, clean-ups run once and newest first, and the end is told last', () => {
  const { scope, log, ends } = scopeWith();
  scope.onEnd((end) => log.push(`first ${end?.detail}`));
  scope.onEnd(() => log.push('second'));
  assert.equal(scope.over, false);
  scope.fail(failure('gone'));
  scope.succeed();
  scope.fail(failure('again'));
  assert.deepEqual(log, ['second', 'first x', 'ended']);
  assert.deepEqual([scope.over, ends.length, ends[0]?.message], [true, 1, 'peer-unavailable: gone']);
});

test('a clean-up that comes after the end runs at once', () => {
  const { scope, log } = scopeWith();
  scope.succeed();
  scope.onEnd((end) => log.push(`late ${end}`));
  assert.deepEqual(log, ['ended', 'late undefined']);
});

test('[a0-adm-6] a limit that passes fails the scope with its text; no timer outlives the end', async () => {
  const { scope, ends } = scopeWith();
  const passed = new Promise<void>((resolve) => scope.onEnd(() => resolve()));
  scope.limit(60_000, 'never');
  scope.limit(60_000, 'taken back')();
  scope.limit(1, 'too late');
  await passed;
  assert.equal(ends[0]?.message, 'peer-unavailable: too late');
  scope.limit(60_000, 'after the end');
  assert.equal(process.getActiveResourcesInfo().includes('Timeout'), false);
});

test('what a step throws is the failure, and names the peer; a fault of ours does not escape either', () => {
  const named = scopeWith('tcp://127.0.0.1:1');
  named.scope.run(() => {
    throw failure('no');
  });
  const [end] = named.ends;
  assert.deepEqual(
    [end?.kind, end?.message, end?.peer, end?.detail, end?.cause],
    ['peer-unavailable', 'peer-unavailable: no', 'tcp://127.0.0.1:1', 'x', 'why'],
  );
  const odd = scopeWith();
  odd.scope.run(() => {
    throw new TypeError('a bug');
  });
  assert.equal(odd.ends[0]?.detail, 'unexpected');
  assert.ok(odd.ends[0]?.cause instanceof TypeError);
  const fine = scopeWith();
  fine.scope.run(() => {});
  assert.equal(fine.scope.over, false);
});
