import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HISTORY, Inbox } from './inbox.ts';

test('an id is unknown, then undecided, then answered with what it was answered with', () => {
  const inbox = new Inbox(7);
  assert.equal(inbox.stateOf(7), 'unknown');
  inbox.begin(7);
  assert.equal(inbox.stateOf(7), 'undecided');
  assert.equal(inbox.undecided, 1);
  inbox.answer(7, 11, true);
  assert.equal(inbox.stateOf(7), 'answered');
  assert.equal(inbox.answerOf(7), 11);
  assert.equal(inbox.undecided, 0);
});

test('knows whether a response still waits in its lane', () => {
  const inbox = new Inbox(7);
  inbox.answer(1, 0, true);
  assert.equal(inbox.isWaiting(1), true);
  inbox.responseLeft(1);
  assert.equal(inbox.isWaiting(1), false);
  assert.equal(inbox.answerOf(1), 0);
  inbox.responseLeft(2);
  assert.equal(inbox.stateOf(2), 'unknown');
});

test('[a1-in-15] knows which callis brought an id last, decided or not', () => {
  const inbox = new Inbox(7);
  const serials = [1, 2, 0x1f_ffff, 0x20_0001] as const;
  for (const serial of serials) {
    inbox.reads(serial);
    inbox.begin(serial);
    assert.ok(inbox.isFrom(serial, serial) && !inbox.isFrom(serial, serial + 1), `${serial}`);
  }
  inbox.decide(1, 4, true);
  assert.deepEqual([inbox.isFrom(1, 1), inbox.answerOf(1), inbox.isWaiting(1)], [true, 4, true]);
  inbox.reads(9);
  inbox.cameAgain(1);
  inbox.cameAgain(2);
  assert.deepEqual([inbox.isFrom(1, 9), inbox.answerOf(1), inbox.isWaiting(1)], [true, 4, true]);
  assert.deepEqual([inbox.isFrom(2, 9), inbox.stateOf(2)], [true, 'undecided']);
  inbox.responseLeft(1);
  assert.deepEqual([inbox.isFrom(1, 9), inbox.isWaiting(1)], [true, false]);
  inbox.answer(77, 1, true);
  assert.ok(inbox.isFrom(77, 9), 'one that no taberna has taken');
});

test('the newest 8,448 answers are remembered, undecided ids always', () => {
  const inbox = new Inbox(7);
  inbox.begin(0xffff_ffff);
  for (let id = 0; id < HISTORY + 100; id++) {
    inbox.begin(id);
    inbox.answer(id, 0, false);
  }
  assert.equal(inbox.remembered, HISTORY);
  assert.equal(inbox.stateOf(99), 'unknown');
  assert.equal(inbox.stateOf(100), 'answered');
  assert.equal(inbox.stateOf(HISTORY + 99), 'answered');
  assert.equal(inbox.stateOf(0xffff_ffff), 'undecided');
  assert.equal(inbox.undecided, 1);
});

test('an id that is answered twice is remembered once', () => {
  const inbox = new Inbox(7);
  for (let i = 0; i < 50; i++) inbox.answer(3, 4, true);
  assert.equal(inbox.remembered, 1);
});

test('clear forgets everything', () => {
  const inbox = new Inbox(7);
  for (let id = 0; id < 20; id++) inbox.answer(id, 0, true);
  inbox.clear();
  assert.equal(inbox.remembered + inbox.undecided, 0);
  assert.equal(inbox.stateOf(3), 'unknown');
});
