/** The shell over scripted streams and a clock of the test: turns, timers, dials and shutdown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import { DomusError } from '@flaminia/transport-a0';
import { control, helloResponse, message } from '../../test/frame-lines.ts';
import { ScriptedStream } from '../../test/scripted-stream.ts';
import { type Outcome, OWN, PEER, type Request, TestShell } from '../../test/test-shell.ts';
import { ACK, CLOSE, FLAG_RECONNECT, KEEPALIVE } from '../wire/frame.ts';

const FIRST_ID = 0x8000_0000;
const NEVER_CUT: AbortSignal = new AbortController().signal;
const ALWAYS_QUIET = (): boolean => true;

/** Watches a promise without waiting for it. */
function watched(promise: Promise<unknown>): { isDone: boolean } {
  const state = { isDone: false };
  promise.then(
    () => {
      state.isDone = true;
    },
    (error: unknown) => assert.fail(error as Error),
  );
  return state;
}

test('what handlers and continuations of a turn bring leaves in the same write, however deep they lie', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  shell.serve(7, (request) => {
    void (async () => {
      for (let depth = 0; depth < 10; depth++) await Promise.resolve();
      request.decide();
      shell.send(`after ${request.text}`);
      await new Promise<void>((resolve) => void process.nextTick(resolve));
      for (let depth = 0; depth < 10; depth++) await Promise.resolve();
    })();
  });
  const before = stream.writes;
  stream.give(message(1, 7, 'one'), message(2, 7, 'two'));
  shell.send('from the program');
  await turns(1);
  assert.equal(stream.writes - before, 1);
  const [, ...frames] = stream.frames;
  assert.deepEqual(
    frames.map(({ line, payload }) => (line.startsWith('ack') ? line : payload.toString())),
    ['ack #1 (0 B)', 'ack #2 (0 B)', 'from the program', 'after one', 'after two'],
  );
});

test('one write per peer and turn, whoever else is written to', async () => {
  const shell = new TestShell();
  const addresses = [2, 3, 4].map((port) => `tcp://127.0.0.1:${port}`);
  const streams: ScriptedStream[] = [];
  for (const address of addresses) streams.push(await shell.connect(address));
  const before = streams.map(({ writes }) => writes);
  for (let i = 0; i < 30; i++) shell.send(`m${i}`, {}, addresses[i % 3]);
  await turns(1);
  assert.deepEqual(
    streams.map(({ writes }, i) => writes - before[i]!),
    [1, 1, 1],
  );
});

test('[a1-lane-12] a peer has one timer at most, whatever is under way; the domus has one', async () => {
  const shell = new TestShell();
  const addresses = [2, 3, 4, 5].map((port) => `tcp://127.0.0.1:${port}`);
  for (const address of addresses) await shell.connect(address);
  shell.delivery.core.register(0, 7, { arrivals: () => {} });
  for (let i = 0; i < 400; i++) {
    shell.send(`m${i}`, { timeoutMs: 1000 + ((i * 37) % 500) }, addresses[i % 4]);
    if (i % 10 === 0) shell.send(`own ${i}`, {}, OWN);
    if (i % 50 === 0) await turns(1);
  }
  await turns(1);
  assert.ok(shell.clock.running.length <= addresses.length + 1, `${shell.clock.running.length} timers run`);
  await shell.advance(60_000);
  assert.ok(shell.clock.running.length <= addresses.length + 1, `${shell.clock.running.length} timers run`);
});

test('[a1-inv-1] a send whose peer says nothing fails at its deadline, not before', async () => {
  const shell = new TestShell();
  await shell.connect();
  const outcome = shell.send('question', { timeoutMs: 700 });
  await shell.advance(699);
  assert.equal(outcome.word, 'waiting');
  await shell.advance(1);
  assert.deepEqual([outcome.word, outcome.failure.delivery], ['send-timeout', 'unknown']);
});

test('[a1-send-3] a message to this domus itself takes no stream, and settles by its handler', async () => {
  const shell = new TestShell();
  const requests: Request[] = [];
  shell.serve(7, (request) => void requests.push(request));
  const [yes, no] = [shell.send('yes', {}, OWN), shell.send('no', {}, OWN)];
  const nobody = shell.send('nobody', { taberna: 8 }, OWN);
  await turns(1);
  assert.deepEqual(
    requests.map(({ text }) => text),
    ['yes', 'no'],
  );
  assert.deepEqual([yes.word, no.word, nobody.word], ['waiting', 'waiting', 'unknown-taberna']);
  requests[0]!.decide();
  requests[1]!.decide(4);
  assert.deepEqual([yes.word, no.word], ['accepted', 'remote-taberna-rejected']);
  assert.deepEqual(shell.dials, []);
});

test('[a1-send-3] [a1-in-4] [a1-in-8] a message to this domus that waits for room gets the place of one that expires', async () => {
  const shell = new TestShell({ sendQueueSize: 1, tabernaAcceptQueueSize: 1 });
  shell.delivery.core.register(0, 7, { arrivals: () => {} });
  const [first, second] = [shell.send('first', {}, OWN), shell.send('second', { wait: true }, OWN)];
  await shell.advance(5000);
  assert.deepEqual([first.word, second.word], ['taberna-busy', 'waiting']);
  await shell.advance(5000);
  assert.deepEqual([second.word, second.failure.text], ['taberna-busy', 'not taken within acceptTimeout']);
});

test('[a1-in-8] a request that stays in a taberna is answered busy by the timer of the domus', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  shell.delivery.core.register(0, 7, { arrivals: () => {} });
  stream.give(message(1, 7, 'nobody takes it'));
  await shell.advance(4999);
  assert.equal(
    stream.lines.some((line) => line.startsWith('error')),
    false,
  );
  await shell.advance(1);
  assert.match(stream.lines.at(-1)!, /^error #1 taberna-busy/);
});

test('the first send dials; the hello goes out when A0 is over, and the message behind its answer', async () => {
  const shell = new TestShell();
  const outcome = shell.send('first');
  await turns(1);
  assert.deepEqual(
    shell.dials.map(({ address }) => address),
    [PEER],
  );
  const stream = new ScriptedStream(PEER, 'dialled');
  shell.dials[0]!.succeed(stream);
  await turns(1);
  assert.deepEqual(stream.lines, ['hello #0 (0 B)']);
  stream.give(helloResponse());
  await turns(1);
  assert.equal(stream.frames[1]!.payload.toString(), 'first');
  stream.give(control(ACK, FIRST_ID));
  assert.equal(outcome.word, 'accepted');
});

test('[a1-send-8] a dial that fails is tried again, and its error is the cause of a send that runs out of time', async () => {
  const shell = new TestShell();
  const outcome = shell.send('never leaves', { timeoutMs: 4500 });
  const refused = new DomusError('protocol-violation', 'the certificate was refused');
  for (let dial = 0; dial < 3; dial++) {
    await turns(1);
    shell.dials.at(-1)!.fail(refused);
    await shell.advance([1000, 2000, 1500][dial]!);
  }
  assert.equal(shell.dials.length, 3);
  assert.deepEqual(
    [outcome.word, outcome.failure.delivery, outcome.failure.cause],
    ['send-timeout', 'not-sent', refused],
  );
});

test('[a1-call-3] a dial that takes too long is aborted, and a stream that comes of it all the same is ended', async () => {
  const shell = new TestShell({ callisConnectTimeoutMs: 100, reconnectBackoffMs: [60_000] });
  shell.send('question');
  await turns(1);
  const [dial] = shell.dials;
  await shell.advance(99);
  assert.equal(dial!.signal.aborted, false);
  await shell.advance(1);
  assert.equal(dial!.signal.aborted, true);
  const error = shell.eventsOf('peer-dial-failed')[0]?.error;
  assert.match((error as Error).message, /callis connect timeout/);
  const late = new ScriptedStream(PEER, 'dialled');
  dial!.succeed(late);
  await turns(1);
  assert.deepEqual(late.calls, ['destroy']);
});

test('a dial whose failure comes late does not count against the next one', async () => {
  const shell = new TestShell({ callisConnectTimeoutMs: 100, reconnectBackoffMs: [10] });
  const outcome = shell.send('question');
  await shell.advance(150);
  assert.equal(shell.dials.length, 2);
  shell.dials[0]!.fail(new Error('late'));
  await turns(1);
  assert.equal(shell.eventsOf('peer-dial-failed').length, 1);
  const stream = new ScriptedStream(PEER, 'dialled');
  shell.dials[1]!.succeed(stream);
  await turns(1);
  stream.give(helloResponse());
  stream.give(control(ACK, FIRST_ID));
  await turns(1);
  stream.give(control(ACK, FIRST_ID));
  assert.equal(outcome.word, 'accepted');
});

test('[a1-keep-6] [a1-call-10] a dial from before a primary came up replaces it, where that is silent by then', async () => {
  for (const outcome of ['up', 'failed'] as const) {
    const shell = new TestShell();
    const sent = shell.send('one');
    await turns(1);
    const first = await shell.connect();
    // Keepalives a second apart: silence is noticed after five.
    for (let i = 0; i < 3; i++) {
      first.give(control(KEEPALIVE));
      await shell.advance(1000);
    }
    first.give(control(ACK, FIRST_ID));
    await shell.advance(6000);
    assert.deepEqual([sent.word, shell.dials.length, first.isDestroyed], ['accepted', 1, false]);
    const second = new ScriptedStream(PEER, 'dialled');
    if (outcome === 'up') {
      shell.dials[0]!.succeed(second);
      await turns(1);
      assert.deepEqual(second.lines, ['hello RECONNECT #0 (0 B)']);
      second.give(helloResponse(FLAG_RECONNECT));
    } else {
      shell.dials[0]!.fail(new DomusError('peer-unavailable', 'connection refused'));
    }
    await turns(1);
    assert.equal(first.isDestroyed, true);
    assert.deepEqual(
      shell.eventsOf('primary-callis-disconnected').map(({ reason }) => reason),
      ['silent'],
    );
    shell.delivery.core.abort(shell.clock.now());
  }
});

test('[a1-dial-6] a peer that was never reached is forgotten with its last message, and its timer with it', async () => {
  const shell = new TestShell({ reconnectBackoffMs: [1000] });
  shell.send('question', { timeoutMs: 500 });
  await turns(1);
  shell.dials[0]!.fail(new DomusError('peer-unavailable', 'connection refused'));
  await shell.advance(500);
  assert.equal(shell.delivery.core.peers.size, 0);
  assert.deepEqual(shell.clock.running, []);
});

test('[a1-dial-9] a connection beyond the hellos under way ends without a byte', async () => {
  const shell = new TestShell({ inboundHandshakeLimitPerPeer: 2 });
  const streams = [shell.accept(), shell.accept(), shell.accept()];
  await turns(1);
  assert.deepEqual(
    streams.map(({ calls }) => calls),
    [[], [], ['destroy']],
  );
});

test('new settings are in force at once, for deadlines that are shorter too', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const before = stream.writes;
  shell.delivery.updateSettings({ ...shell.delivery.core.settings, keepaliveIntervalMs: 50 });
  await turns(1);
  await shell.advance(50);
  assert.equal(stream.writes - before, 1);
  assert.match(stream.lines.at(-1)!, /^keepalive/);
});

test('[a1-close-6] the shutdown of an idle domus is prompt: close on each primary, and no timer waits', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  await shell.delivery.drain(5000, NEVER_CUT, ALWAYS_QUIET);
  const closing = watched(shell.delivery.close(NEVER_CUT));
  await turns(1);
  assert.match(stream.lines.at(-1)!, /^close/);
  assert.deepEqual([stream.isEnded, closing.isDone], [true, false]);
  stream.giveEnd();
  await turns(1);
  assert.equal(closing.isDone, true);
  assert.equal(stream.isDestroyed, true);
  assert.deepEqual(shell.clock.running, []);
});

test('[a1-close-2] a peer that does not end its direction behind close is cut off after a second', async () => {
  const shell = new TestShell();
  const stream = await shell.connect();
  const closing = watched(shell.delivery.close(NEVER_CUT));
  await shell.advance(999);
  assert.deepEqual([stream.isDestroyed, closing.isDone], [false, false]);
  await shell.advance(1);
  assert.deepEqual([stream.isDestroyed, closing.isDone], [true, true]);
  assert.deepEqual(shell.clock.running, []);
});

/** A domus with a send that is under way and a request that a handler has taken. */
async function busy(): Promise<{ shell: TestShell; stream: ScriptedStream; outcome: Outcome; request: Request }> {
  const shell = new TestShell();
  const stream = await shell.connect();
  const requests: Request[] = [];
  shell.serve(7, (request) => void requests.push(request));
  stream.give(message(1, 7, 'question'));
  const outcome = shell.send('own question');
  await turns(1);
  return { shell, stream, outcome, request: requests[0]! };
}

test('[a1-close-4] draining waits for own sends and for taken requests, and ends with the last of them', async () => {
  const { shell, stream, outcome, request } = await busy();
  const draining = watched(shell.delivery.drain(5000, NEVER_CUT, ALWAYS_QUIET));
  await turns(1);
  assert.equal(draining.isDone, false);
  stream.give(control(ACK, FIRST_ID));
  await turns(1);
  assert.deepEqual([outcome.word, draining.isDone], ['accepted', false]);
  request.decide();
  await turns(1);
  assert.equal(draining.isDone, true);
  assert.match(stream.lines.at(-1)!, /^ack #1/);
  shell.delivery.core.abort(shell.clock.now());
  assert.deepEqual(shell.clock.running, []);
});

test('[a1-close-3] a domus that drains answers new messages with domus-closed', async () => {
  const { shell, stream } = await busy();
  const draining = watched(shell.delivery.drain(5000, NEVER_CUT, ALWAYS_QUIET));
  stream.give(message(2, 7, 'too late'));
  await turns(1);
  assert.match(stream.lines.at(-1)!, /^error #2 domus-closed/);
  await shell.advance(5000);
  assert.equal(draining.isDone, true);
});

test('[a1-close-4] draining ends after drainTimeout, and close fails what is left', async () => {
  const { shell, stream, outcome, request } = await busy();
  const draining = watched(shell.delivery.drain(5000, NEVER_CUT, ALWAYS_QUIET));
  await shell.advance(4999);
  assert.equal(draining.isDone, false);
  await shell.advance(1);
  assert.equal(draining.isDone, true);
  const closing = watched(shell.delivery.close(NEVER_CUT));
  assert.deepEqual([outcome.word, outcome.failure.delivery], ['domus-closed', 'unknown']);
  await turns(1);
  assert.match(stream.lines.at(-1)!, /^close/);
  assert.equal(request.decide(), false);
  stream.giveEnd();
  await turns(1);
  assert.equal(closing.isDone, true);
  assert.deepEqual(shell.clock.running, []);
});

test('[a1-close-7] an abort cuts draining and closing at once', async () => {
  for (const moment of ['while it drains', 'while it closes', 'before'] as const) {
    const { shell, stream, outcome } = await busy();
    const cut = new AbortController();
    if (moment === 'before') cut.abort();
    const draining = shell.delivery.drain(moment === 'while it closes' ? 0 : 5000, cut.signal, ALWAYS_QUIET);
    if (moment === 'while it drains') cut.abort();
    await draining;
    const closing = watched(shell.delivery.close(cut.signal));
    await turns(1);
    assert.equal(closing.isDone, moment !== 'while it closes');
    cut.abort();
    await turns(1);
    assert.deepEqual([closing.isDone, stream.isDestroyed, outcome.word], [true, true, 'domus-closed'], moment);
    assert.deepEqual(shell.clock.running, [], moment);
  }
});

test('a shutdown during a dial gives the dial up', async () => {
  const shell = new TestShell();
  const outcome = shell.send('question');
  await turns(1);
  await shell.delivery.close(NEVER_CUT);
  assert.equal(shell.dials[0]!.signal.aborted, true);
  assert.equal(outcome.word, 'domus-closed');
  const late = new ScriptedStream(PEER, 'dialled');
  shell.dials[0]!.succeed(late);
  await turns(1);
  assert.deepEqual(late.calls, ['destroy']);
  assert.deepEqual(shell.clock.running, []);
});

test('[a1-loss-7] a close of the peer ends its session and nothing else', async () => {
  const shell = new TestShell();
  const [stream, other] = [await shell.connect(), await shell.connect('tcp://127.0.0.1:3')];
  const [lost, kept] = [shell.send('lost'), shell.send('kept', {}, 'tcp://127.0.0.1:3')];
  await turns(1);
  stream.give(control(CLOSE));
  await turns(1);
  assert.deepEqual([lost.word, kept.word], ['peer-unavailable', 'waiting']);
  assert.deepEqual([stream.isDestroyed, other.isDestroyed], [true, false]);
  assert.deepEqual(shell.dials, []);
  assert.equal(shell.clock.running.length, 1);
});
