/** One stream joined to the machine: what a flush writes, and how bytes, drains and ends pass between the two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import { control, errorFrame, header, hello, message } from '../../test/frame-lines.ts';
import type { ScriptedStream } from '../../test/scripted-stream.ts';
import { type Outcome, PEER, type Request, TestShell } from '../../test/test-shell.ts';
import { ACK, FLAG_RECONNECT, HELLO } from '../wire/frame.ts';

const A3 = 0x0100_0000;
/** Where ids begin when the random number is 0. */
const FIRST_ID = 0x8000_0000;

function ack(offset: number): Buffer {
  return control(ACK, FIRST_ID + offset);
}

test('all that is sent in one turn leaves in one write, behind what the turn owed already', async () => {
  const shell = new TestShell();
  const stream = shell.accept();
  stream.give(hello());
  for (let i = 0; i < 100; i++) shell.send(`m${i}`);
  await turns(1);
  assert.deepEqual(stream.calls, ['write']);
  assert.equal(stream.frames.length, 101);
  assert.match(stream.lines[0]!, /^hello-response/);
  assert.deepEqual(
    stream.frames.slice(1).map(({ payload }) => payload.toString()),
    Array.from({ length: 100 }, (_, i) => `m${i}`),
  );
});

test('a turn with nothing to say writes nothing', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  shell.send('question');
  await turns(1);
  const before = stream.writes;
  stream.give(ack(0));
  await turns(2);
  assert.equal(stream.writes, before);
});

test('a large payload goes by reference, corked with what stands before it, and its order holds', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const large = Buffer.alloc(100_000, 'L');
  stream.calls.length = 0;
  stream.chunks.length = 0;
  shell.send('before');
  shell.send(large);
  shell.send('behind');
  await turns(1);
  assert.deepEqual(stream.calls, ['cork', 'write', 'write', 'uncork', 'write']);
  assert.equal(stream.chunks[1], large);
  assert.deepEqual(
    stream.frames.slice(1).map(({ payload }) => payload.length),
    [6, 100_000, 6],
  );
});

/** A large message lies half-written on the first of several primaries, and the last is lost: the first is to write it again. */
async function halfWritten(primaries: number): Promise<{
  readonly shell: TestShell;
  readonly streams: readonly ScriptedStream[];
  readonly outcome: Outcome;
}> {
  const shell = new TestShell();
  const streams = [await shell.connect()];
  streams[0]!.flows = false;
  const outcome = shell.send(Buffer.alloc(64 * 1024, 'L'), { timeoutMs: 10_000 });
  await turns(1);
  while (streams.length < primaries) {
    const stream = shell.accept();
    stream.give(hello(FLAG_RECONNECT));
    streams.push(stream);
    await turns(1);
  }
  // The first is stalled by now, and another writes what is fresh, if there is one left.
  await shell.advance(2000);
  streams.at(-1)!.giveClose();
  await turns(1);
  assert.deepEqual([outcome.word, streams[0]!.isDestroyed], ['waiting', false]);
  return { shell, streams, outcome };
}

test('[a1-loss-11] a callis that refers to a payload ends before the send fails, whoever is to carry the message by then', async () => {
  const late = await halfWritten(2);
  await late.shell.advance(8000);
  assert.deepEqual([late.outcome.word, late.streams[0]!.isDestroyed], ['send-timeout', true]);
  const closed = await halfWritten(2);
  closed.shell.delivery.closePeer(PEER);
  assert.deepEqual([closed.outcome.word, closed.streams[0]!.isDestroyed], ['peer-unavailable', true]);
});

test('[a1-loss-11] a callis that refers to a payload ends where the message is answered on another that carries it', async () => {
  const { streams, outcome } = await halfWritten(3);
  const [first, second] = streams;
  assert.equal(second!.frames.at(-1)!.payload.length, 64 * 1024);
  second!.give(ack(0));
  assert.deepEqual([outcome.word, first!.isDestroyed, second!.isDestroyed], ['accepted', true, false]);
});

test('[a1-loss-11] a callis that refers to a payload ends where it brings the answer to what another has carried', async () => {
  for (const primaries of [3, 2]) {
    const { streams, outcome } = await halfWritten(primaries);
    streams[0]!.give(ack(0));
    assert.deepEqual([outcome.word, streams[0]!.isDestroyed], ['accepted', true]);
  }
});

test('[a1-loss-11] a callis whose payload is answered on another stays, where that is the only one to have carried it', async () => {
  const shell = new TestShell();
  const first = await shell.connect();
  const second = shell.accept();
  second.give(hello(FLAG_RECONNECT));
  await turns(1);
  first.flows = false;
  const outcome = shell.send(Buffer.alloc(64 * 1024, 'L'));
  await turns(1);
  second.give(ack(0));
  assert.deepEqual([outcome.word, first.isDestroyed], ['accepted', false]);
});

test('[a1-loss-11] a message that was never written costs no callis, though it has the bytes of one that is being written', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  stream.flows = false;
  const payload = Buffer.alloc(64 * 1024, 'L');
  const first = shell.send(payload, { timeoutMs: 60_000 });
  await turns(1);
  const second = shell.send(payload, { timeoutMs: 1500 });
  await shell.advance(1600);
  assert.deepEqual([first.word, second.word, stream.isDestroyed], ['waiting', 'send-timeout', false]);
});

test('more than a slab leaves in several writes, in order and whole', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  stream.flows = false;
  const before = stream.writes;
  for (let i = 0; i < 300; i++) shell.send(`${i} `.padEnd(600, 'x'));
  await turns(1);
  // Frames of 632 bytes: 10 of them are worth a write before the end of the turn, and the rest waits behind that.
  assert.equal(stream.writes - before, 1);
  stream.flush();
  await turns(1);
  // Each slab is full but for the last, and none is used again while the stream refers to it.
  assert.equal(stream.writes - before, 4);
  stream.flush();
  assert.deepEqual(
    stream.frames.slice(1).map(({ payload }) => payload.toString().split(' ')[0]),
    Array.from({ length: 300 }, (_, i) => `${i}`),
  );
});

test('what comes while a write is under way leaves together behind it', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  stream.flows = false;
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 5; i++) shell.send(`${round}.${i} `.padEnd(1000, 'x'));
    await turns(1);
  }
  assert.equal(stream.writes, 2, 'the hello-response and the first round');
  stream.flush();
  await turns(1);
  // 145 frames of 1,032 bytes fill two slabs and a part of a third.
  assert.equal(stream.writes, 5);
  stream.flush();
  const texts = stream.frames.slice(1).map(({ payload }) => payload.toString().split(' ')[0]);
  assert.deepEqual(
    texts,
    Array.from({ length: 150 }, (_, n) => `${Math.floor(n / 5)}.${n % 5}`),
  );
});

test('beside another primary none waits for its write by itself: that one might wait for its answers for ever', async () => {
  const shell = new TestShell();
  const older = await shell.connect();
  shell.serve(7, (request) => void request.decide());
  shell.clock.advance(10);
  const newer = shell.accept();
  newer.give(hello(FLAG_RECONNECT));
  await turns(1);
  newer.flows = false;
  shell.clock.advance(10);
  // The newer one is alive, so that answers go there, and has a write under way.
  newer.give(message(1, 7, 'one'));
  await turns(1);
  newer.give(message(2, 7, 'two'));
  shell.send('mine');
  await turns(2);
  newer.flush();
  assert.deepEqual(newer.lines.slice(-2), ['ack #1 (0 B)', 'ack #2 (0 B)']);
  assert.match(older.lines.at(-1)!, /^A3 message/);
});

test('[a1-inv-5] a full stream leaves work in its lanes, where an A2 message still overtakes', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  stream.flows = false;
  for (let i = 0; i < 1000; i++) shell.send(`a3-${i} `.padEnd(1000, 'x'));
  await turns(1);
  stream.flush();
  await turns(1);
  const queued = stream.writableLength;
  assert.ok(queued > 256 * 1024 && queued < 400 * 1024, `${queued} bytes were given to the stream`);
  const before = stream.writes;
  const urgent = shell.send('urgent', { tier: 'a2' });
  await turns(2);
  assert.equal(stream.writes, before);
  for (let i = 0; i < 10; i++) {
    stream.drain();
    await turns(1);
  }
  const texts = stream.frames.slice(1).map(({ payload }) => payload.toString().split(' ')[0]!);
  assert.equal(texts.length, 1001);
  const place = texts.indexOf('urgent');
  assert.ok(place > 0 && place < 450, `the urgent message went out as number ${place}`);
  texts.splice(place, 1);
  assert.deepEqual(
    texts,
    Array.from({ length: 1000 }, (_, i) => `a3-${i}`),
  );
  assert.equal(urgent.word, 'waiting');
});

test('an answer does not wait for a full stream to drain fully, only to drain', async () => {
  const shell = new TestShell({ sendQueueSize: 4096 });
  const stream = await shell.connect();
  shell.serve(7, (request) => void request.decide());
  stream.flows = false;
  for (let i = 0; i < 1000; i++) shell.send(`a3-${i} `.padEnd(1000, 'x'));
  await turns(1);
  stream.give(message(5, 7, 'question'));
  await turns(1);
  stream.drain();
  await turns(1);
  stream.flush();
  const place = stream.lines.findIndex((line) => line.startsWith('ack #5'));
  assert.ok(place > 0 && place < 450, `the ack went out as number ${place}`);
});

test('a payload that a handler has not taken by the end of the turn is no longer in the read buffer', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const taberna = shell.delivery.core.register(0, 7, { arrivals: () => {} });
  stream.give(message(1, 7, 'first'), message(2, 7, 'second'));
  await turns(1);
  const texts: string[] = [];
  for (let arrival = taberna.peek(); arrival !== undefined; arrival = taberna.peek()) {
    texts.push(Buffer.from(arrival.payload).toString());
    taberna.drop();
  }
  assert.deepEqual(texts, ['first', 'second']);
});

test('[a1-wire-3] [case-86] frames cut at any place are read as they were written', async () => {
  const shell = new TestShell();
  const stream = shell.accept();
  const seen: string[] = [];
  shell.serve(7, ({ text, decide }) => {
    seen.push(text);
    decide();
  });
  const bytes = Buffer.concat([hello(), message(1, 7, 'one'), message(2, 7, ''), message(3, 7, 'x'.repeat(5000))]);
  for (let at = 0; at < bytes.length; at += 17) stream.give(bytes.subarray(at, at + 17));
  await turns(1);
  assert.deepEqual(seen, ['one', '', 'x'.repeat(5000)]);
  assert.deepEqual(stream.lines.slice(1), ['ack #1 (0 B)', 'ack #2 (0 B)', 'ack #3 (0 B)']);
});

test('[a1-wire-11] a violation destroys the stream and writes nothing', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const before = stream.writes;
  stream.give(control(HELLO));
  await turns(1);
  assert.equal(stream.isDestroyed, true);
  assert.deepEqual([stream.writes, stream.isEnded], [before, false]);
  assert.equal(shell.eventsOf('primary-callis-disconnected')[0]?.reason, 'protocol-violation');
});

test('[a1-wire-4] the end of the inbound direction destroys the stream', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  stream.giveEnd();
  await turns(1);
  assert.equal(stream.isDestroyed, true);
  const [event] = shell.eventsOf('primary-callis-disconnected');
  assert.deepEqual([event?.reason, event?.detail], ['connection-lost', 'the peer ended the connection']);
});

test('a stream that fails says why in the report', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  stream.giveClose(new Error('read ECONNRESET'));
  await turns(1);
  const [event] = shell.eventsOf('primary-callis-disconnected');
  assert.deepEqual([event?.reason, event?.detail], ['connection-lost', 'read ECONNRESET']);
});

test('[a1-in-2] an oversized message is answered, the direction ends behind that, and what comes is discarded', async () => {
  const shell = new TestShell({ maxPayloadLen: 1000 });
  const stream = await shell.connect();
  const seen: Request[] = [];
  shell.serve(7, (request) => void seen.push(request));
  stream.calls.length = 0;
  stream.give(header(A3, 9, 7, 1001));
  stream.give(Buffer.alloc(1001));
  stream.give(message(10, 7, 'not read'));
  await turns(1);
  assert.deepEqual(stream.calls, ['write', 'end']);
  assert.match(stream.lines.at(-1)!, /^error #9 protocol-violation/);
  assert.deepEqual(seen, []);
  stream.giveEnd();
  await turns(1);
  assert.equal(stream.calls.at(-1), 'destroy');
});

test('[a1-in-2] a peer that does not end behind an oversized message is cut off after a second', async () => {
  const shell = new TestShell({ maxPayloadLen: 1000 });
  const stream = await shell.connect();
  stream.give(header(A3, 9, 7, 1001));
  await shell.advance(999);
  assert.equal(stream.isDestroyed, false);
  await shell.advance(1);
  assert.equal(stream.isDestroyed, true);
});

test('a stream that ends in one read with its last frames: they count first', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const outcome = shell.send('question');
  const refused = shell.send('another');
  await turns(1);
  stream.give(ack(0), errorFrame(FIRST_ID + 1, 4, 'no'));
  stream.giveEnd();
  await turns(1);
  assert.deepEqual([outcome.word, refused.word], ['accepted', 'remote-taberna-rejected']);
});

test('whatever comes behind the end of a callis does nothing', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const outcome = shell.send('question');
  await turns(1);
  stream.giveEnd();
  stream.give(ack(0));
  stream.drain();
  stream.giveClose();
  stream.giveClose(new Error('again'));
  await turns(1);
  assert.equal(outcome.word, 'waiting');
  assert.equal(shell.eventsOf('primary-callis-disconnected').length, 1);
  shell.delivery.core.abort(shell.clock.now());
});
