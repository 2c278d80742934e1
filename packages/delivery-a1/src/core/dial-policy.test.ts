import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialPolicy } from './dial-policy.ts';
import type { DeliverySettings } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

function settings(changes: Partial<DeliverySettings> = {}): DeliverySettings {
  return {
    sendTimeoutMs: 30_000,
    listenerDelayMs: 500,
    listenerReconnectTimeoutMs: 20_000,
    reconnectBackoffMs: [1000, 2000, 4000],
    ...changes,
  } as DeliverySettings;
}

test('a new session waits listenerDelay from its first work, and never dials without work', () => {
  const policy = new DialPolicy();
  assert.equal(policy.dialAt(settings(), false), NEVER);
  policy.noteWork(100);
  policy.noteWork(900);
  assert.equal(policy.dialAt(settings(), true), 600);
  assert.equal(policy.dialAt(settings(), false), NEVER);
});

test('an originator redials at once, then after each step of the backoff, the last repeating', () => {
  const policy = new DialPolicy();
  policy.noteWork(0);
  policy.noteDial();
  const waits: number[] = [];
  for (let now = 10_000, round = 0; round < 5; round++) {
    policy.noteFailure(now);
    const at = policy.dialAt(settings(), true);
    waits.push(at - now);
    now = at;
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 4000, 4000]);
  policy.noteProgress();
  assert.equal(policy.dialAt(settings(), true), 0);
});

test('an empty backoff waits four seconds', () => {
  const policy = new DialPolicy();
  policy.noteDial();
  policy.noteFailure(50);
  assert.equal(policy.dialAt(settings({ reconnectBackoffMs: [] }), true), 4050);
});

test('a listener that lost its last primary waits for the peer, never more than a third of sendTimeout', () => {
  const policy = new DialPolicy();
  policy.noteWork(0);
  policy.noteActive();
  policy.noteLastPrimaryLost(1000, false, true);
  assert.equal(policy.dialAt(settings(), true), 11_000);
  assert.equal(policy.dialAt(settings({ sendTimeoutMs: 300_000 }), true), 21_000);
  assert.equal(policy.dialAt(settings(), false), NEVER);
});

test('the side that dialled redials without work of its own, until a primary is active', () => {
  const policy = new DialPolicy();
  policy.noteDial();
  policy.noteActive();
  policy.noteLastPrimaryLost(1000, true, true);
  assert.equal(policy.dialAt(settings(), false), 0);
  policy.noteActive();
  assert.equal(policy.dialAt(settings(), false), NEVER);
});

test('a callis that ended without any progress counts as a failed dial', () => {
  const policy = new DialPolicy();
  policy.noteDial();
  policy.noteActive();
  policy.noteLastPrimaryLost(1000, true, false);
  assert.equal(policy.dialAt(settings(), true), 2000);
});

test('a fresh session begins as its listener, unless this side dialled it', () => {
  const policy = new DialPolicy();
  policy.noteDial();
  policy.noteFailure(0);
  policy.restart(false);
  policy.noteWork(100);
  policy.noteLastPrimaryLost(1000, false, true);
  assert.equal(policy.dialAt(settings(), true), 11_000);
  policy.restart(true);
  assert.equal(policy.dialAt(settings(), true), 0);
});
