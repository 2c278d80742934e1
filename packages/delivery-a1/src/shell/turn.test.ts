/** When a turn is flushed, and its time: seen from the shell that it serves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import { control, message } from '../../test/frame-lines.ts';
import { PEER, TestShell } from '../../test/test-shell.ts';
import { ACK } from '../wire/frame.ts';

const FIRST_ID = 0x8000_0000;

test('a turn that wakes nobody is flushed at its end: an ack does not wait for promise jobs', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  shell.serve(7, (request) => void request.decide());
  const before = stream.writes;
  stream.give(message(1, 7, 'one'), message(2, 7, 'two'));
  assert.equal(stream.writes - before, 1);
  await turns(1);
  assert.equal(stream.writes - before, 1);
  assert.deepEqual(stream.lines.slice(1), ['ack #1 (0 B)', 'ack #2 (0 B)']);
});

test('a turn that settles sends waits for those who go on with them, and so does one whose program says so', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const waiting = shell.send('first');
  await turns(1);
  let before = stream.writes;
  shell.serve(7, (request) => void request.decide());
  stream.give(control(ACK, FIRST_ID), message(1, 7, 'one'));
  assert.equal(waiting.word, 'accepted');
  assert.equal(stream.writes, before, 'nothing before the end of the turn');
  shell.send('second');
  await turns(1);
  assert.equal(stream.writes - before, 1);

  before = stream.writes;
  shell.serve(8, (request) => {
    shell.delivery.programGoesOn();
    void Promise.resolve().then(() => request.decide());
  });
  stream.give(message(2, 8, 'two'));
  assert.equal(stream.writes, before);
  await turns(1);
  assert.equal(stream.writes - before, 1);
});

test('a turn that sends much writes once before its end, and the rest behind that, in order', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  const before = stream.writes;
  const payload = new Uint8Array(64);
  for (let sent = 1; sent <= 64; sent++) {
    shell.send(payload);
    assert.equal(stream.writes - before, sent < 64 ? 0 : 1, `after ${sent} messages of 96 bytes`);
  }
  for (let sent = 1; sent <= 84; sent++) shell.send(payload);
  assert.equal(stream.writes - before, 1, 'the rest waits while that is under way');
  await turns(1);
  assert.equal(stream.writes - before, 2);
  const ids = stream.frames.slice(1).map(({ line }) => Number(/#(\d+)/.exec(line)![1]));
  assert.deepEqual(
    ids,
    Array.from({ length: 148 }, (_, i) => FIRST_ID + i),
  );
});

test('a peer that takes no bytes is not asked again with every send', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  stream.flows = false;
  const payload = new Uint8Array(1_000);
  for (let sent = 1; sent <= 400; sent++) shell.send(payload);
  const { writes } = stream;
  let asked = 0;
  const { flushBegins } = Object.getPrototypeOf(shell.delivery.core.peers.get(PEER)) as { flushBegins(): void };
  Object.assign(shell.delivery.core.peers.get(PEER)!, {
    flushBegins(this: unknown) {
      asked++;
      flushBegins.call(this);
    },
  });
  for (let sent = 1; sent <= 400; sent++) shell.send(payload);
  assert.deepEqual([stream.writes - writes, asked], [0, 0]);
  stream.flows = true;
  for (let rest = 0; rest < 20; rest++) {
    stream.drain();
    await turns(1);
  }
  assert.equal(stream.frames.length, 1 + 800);
});

test('the time is read once a turn, and again after sixteen times of asking', async () => {
  const shell = new TestShell();
  const start = shell.delivery.now();
  shell.clock.advance(10);
  for (let i = 1; i < 16; i++) assert.equal(shell.delivery.now(), start);
  assert.equal(shell.delivery.now(), start + 10);
  shell.clock.advance(10);
  await turns(1);
  assert.equal(shell.delivery.now(), start + 20, 'a new turn');
});

test('what is only measured takes the time of the turn as it is, and uses none of the times of asking up', async () => {
  const shell = new TestShell();
  const start = shell.delivery.measuredNow();
  shell.clock.advance(10);
  for (let i = 1; i < 50; i++) assert.equal(shell.delivery.measuredNow(), start);
  for (let i = 1; i <= 16; i++) assert.equal(shell.delivery.now(), start);
  assert.equal(shell.delivery.measuredNow(), start + 10, 'read again where the next asking would');
  shell.clock.advance(10);
  await turns(1);
  assert.equal(shell.delivery.measuredNow(), start + 20, 'a new turn');
});
