/** The retained lanes over a whole session: capacities, order, deadlines, waiting for room, live changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pair, pair } from '../src/sim/pair.ts';

/** A redial after it finds the peer, whatever was lost before. */
const RECOVERED_MS = 1100;

/** Kinds of the frames that one place wrote, in order. */
function kinds(lines: readonly string[]): string[] {
  return lines.map((line) => line.slice(4).replace(/ (0x|#|RECONNECT).*/, ''));
}

test('[a1-lane-1] [a1-lane-5] [a1-lane-6] [a1-lane-8] [a1-err-5] a full A3 lane refuses at once and keeps nothing', () => {
  const scenario = pair({ settings: { sendQueueSize: 2 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  a.send(b, 7, 'one');
  a.send(b, 7, 'two');
  scenario.drive(20);
  const refused = a.send(b, 7, 'three');
  assert.equal(refused.failure?.kind, 'local-queue-full', 'slots are held until the answer');
  assert.equal(refused.failure?.delivery, 'not-sent');
  const [overrun] = a.events('outbound-queue-overrun');
  assert.deepEqual(overrun, {
    kind: 'outbound-queue-overrun',
    address: b.address,
    tier: 'a3',
    limit: 2,
    msgType: 0x0100_0000,
  });
  assert.equal(a.domus.core.counters.overrunsA3, 1);
  assert.equal(a.events('limited-log')[0]?.id, 1004);
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.equal(a.send(b, 7, 'four').state, 'pending');
});

test('[a1-lane-1] the A2 lane holds 128, whatever sendQueueSize says, beside a full A3 lane', () => {
  const scenario = pair({ settings: { sendQueueSize: 1 } });
  const { a, b } = scenario;
  b.shelve(7);
  a.send(b, 7, 'a3');
  const sends = Array.from({ length: 129 }, (_, i) => a.send(b, 7, `a2 ${i}`, { tier: 'a2' }));
  assert.deepEqual(
    sends.map((entry) => entry.state),
    [...new Array<string>(128).fill('pending'), 'failed'],
  );
  assert.equal(sends[128]!.failure?.kind, 'local-queue-full');
});

test('[a1-lane-2] one message always fits sendQueueBytes; a second over the limit is refused', () => {
  const scenario = pair({ settings: { sendQueueBytes: 10 } });
  const { a, b } = scenario;
  b.shelve(7);
  assert.equal(a.send(b, 7, 'x'.repeat(1000)).state, 'pending');
  assert.equal(a.send(b, 7, 'y').failure?.kind, 'local-queue-full');
});

test('[a1-lane-5] who waits for room gets it in order, and nobody overtakes', () => {
  const scenario = pair({ settings: { sendQueueSize: 1 } });
  const { a, b } = scenario;
  b.serve(7);
  const first = a.send(b, 7, '1');
  const waiting = ['2', '3', '4'].map((text) => a.send(b, 7, text, { wait: true }));
  assert.equal(a.send(b, 7, 'no room').failure?.kind, 'local-queue-full');
  scenario.drive(100);
  assert.deepEqual(b.seen, ['1', '2', '3', '4']);
  assert.deepEqual(
    [first, ...waiting].map((entry) => entry.state),
    new Array<string>(4).fill('accepted'),
  );
});

test('[a1-send-2] [a1-lane-11] who waits for room is held to the deadline too', () => {
  const scenario = pair({ settings: { sendQueueSize: 1, sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  const { a, b } = scenario;
  b.shelve(7);
  a.send(b, 7, '1');
  scenario.drive(500);
  const waiting = a.send(b, 7, '2', { wait: true, timeoutMs: 200 });
  scenario.drive(199);
  assert.equal(waiting.state, 'pending');
  scenario.drive(3);
  assert.equal(waiting.failure?.kind, 'send-timeout');
  assert.equal(waiting.failure?.delivery, 'not-sent');
});

test('[a1-lane-3] [a1-inv-5] acks go before errors, errors before A2, A2 before A3', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  const shelf = a.shelve(7);
  a.send(b, 7, 'opens');
  scenario.drive(20);
  b.send(a, 7, 'to accept');
  b.send(a, 7, 'to reject');
  scenario.drive(1200);
  scenario.crash(b, true);
  scenario.cut();
  a.send(b, 7, 'a3');
  a.send(b, 7, 'a2', { tier: 'a2' });
  const [accepted, rejected] = [a.take(shelf)!, a.take(shelf)!];
  rejected.reject();
  accepted.accept();
  b.domus.isUp = true;
  const from = scenario.frames(a, b).length;
  scenario.drive(20);
  assert.deepEqual(kinds(scenario.frames(a, b).slice(from)).slice(0, 5), [
    'hello',
    'ack',
    'error',
    'A2 message',
    'A3 message',
  ]);
});

test('[a1-lane-4] replayed work goes before fresh work of its lane', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.shelve(7);
  a.send(b, 7, 'old');
  scenario.drive(1100);
  scenario.cut();
  a.send(b, 7, 'fresh');
  scenario.drive(20);
  const lengths = scenario.frames(a, b, 'message').map((line) => line.match(/\((\d+) B\)/)![1]);
  assert.deepEqual(lengths, ['3', '3', '5']);
});

test('[a1-lane-11] [a1-inv-1] [a1-err-7] a message expires at its deadline, in whatever state it is', () => {
  const states = {
    'ready, without a callis': (scenario: Pair) => scenario.partition(),
    inflight: () => {},
    'replay-ready': (scenario: Pair) => {
      scenario.drive(1100);
      scenario.partition();
      scenario.cut();
    },
  };
  for (const [state, prepare] of Object.entries(states)) {
    const scenario = pair({ settings: { sendTimeoutMs: 5000, callisConnectTimeoutMs: 4000, acceptTimeoutMs: 60_000 } });
    const { a, b } = scenario;
    b.shelve(7);
    if (state.startsWith('ready')) prepare(scenario);
    const start = scenario.elapsedMs;
    const sent = a.send(b, 7, 'order');
    if (!state.startsWith('ready')) prepare(scenario);
    scenario.drive(4999 - (scenario.elapsedMs - start));
    assert.equal(sent.state, 'pending', state);
    scenario.drive(2);
    assert.equal(sent.failure?.kind, 'send-timeout', state);
    assert.equal(sent.failure?.delivery, state.startsWith('ready') ? 'not-sent' : 'unknown', state);
    assert.equal(sent.told, 1);
  }
});

test('[a1-send-2] replay does not extend a deadline', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 10_000, acceptTimeoutMs: 60_000 } });
  const { a, b } = scenario;
  b.shelve(7);
  const sent = a.send(b, 7, 'order');
  for (let i = 0; i < 9; i++) {
    scenario.drive(1100);
    scenario.cut();
  }
  assert.equal(sent.state, 'pending');
  scenario.drive(101);
  assert.equal(sent.failure?.kind, 'send-timeout');
});

test('[a1-lane-13] sendQueueSize grows at once; shrinking evicts nothing and refuses until the count fits', () => {
  const scenario = pair({ settings: { sendQueueSize: 2 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sends = [a.send(b, 7, '1'), a.send(b, 7, '2'), a.send(b, 7, '3', { wait: true })];
  scenario.drive(20);
  assert.equal(shelf.waiting, 2);
  a.domus.updateSettings({ ...scenario.settings, sendQueueSize: 3 });
  scenario.drive(20);
  assert.equal(shelf.waiting, 3, 'who waited for room was let in');
  a.domus.updateSettings({ ...scenario.settings, sendQueueSize: 1 });
  assert.equal(a.send(b, 7, '4').failure?.kind, 'local-queue-full');
  b.take(shelf)!.accept();
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.equal(a.send(b, 7, '5').failure?.kind, 'local-queue-full');
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.deepEqual(
    sends.map((entry) => entry.state),
    ['accepted', 'accepted', 'accepted'],
  );
  assert.equal(a.send(b, 7, '6').state, 'pending');
});

for (const [tier, capacity] of [
  ['ack', 4096],
  ['error', 4096],
] as const) {
  test(`[a1-lane-1] [a1-lane-7] [a1-lane-8] a response that the ${tier} lane has no room for is dropped and counted`, () => {
    const roomy = { tabernaAcceptQueueSize: 8192, acceptTimeoutMs: 60_000 };
    const scenario = pair({ settings: { ...roomy, sendQueueSize: 4096 } });
    const { a, b } = scenario;
    b.domus.updateSettings({ ...scenario.settings, sendQueueSize: 1 });
    const shelf = b.shelve(7);
    for (let i = 0; i < 4096; i++) a.send(b, 7, `${i}`);
    for (let i = 0; i < 4; i++) a.send(b, 7, `${i}`, { tier: 'a2' });
    scenario.drive(RECOVERED_MS);
    assert.equal(shelf.waiting, 4100);
    scenario.partition();
    scenario.cut();
    let kept = 0;
    for (let request = b.take(shelf); request !== undefined; request = b.take(shelf)) {
      if (tier === 'ack' ? request.accept() : request.reject()) kept++;
    }
    assert.equal(kept, capacity);
    const overruns = b.events('outbound-queue-overrun');
    assert.equal(overruns.length, 4);
    assert.deepEqual([overruns[0]!.tier, overruns[0]!.limit], [tier, capacity]);
    const { overrunsAck, overrunsError } = b.domus.core.counters;
    assert.equal(tier === 'ack' ? overrunsAck : overrunsError, 4);
  });
}

for (const [answer, logId] of [
  ['ack', 1005],
  ['error', 1006],
] as const) {
  test(`[a1-lane-9] [a1-log-1] a second ${answer} for an id that has one waiting is dropped and logged`, () => {
    const scenario = pair();
    const { a, b } = scenario;
    const raw = scenario.raw(a);
    b.serve(7, (request) => void (answer === 'ack' ? request.accept() : request.reject()));
    raw.dial(b.index);
    scenario.drive(20);
    raw.write([{ type: 1 }]);
    scenario.drive(20);
    // The first answer fills the way back; the second waits in its lane.
    scenario.world.network.route(b.index, a.index).capacity = 0;
    scenario.block(b, a);
    const message = (id: number) => ({ type: 0x0100_0000, id, dst: 7 });
    raw.write([message(1)]);
    scenario.drive(20);
    raw.write([message(2)]);
    scenario.drive(20);
    raw.write([message(2), message(2)]);
    scenario.drive(20);
    const logged = b.events('limited-log').filter((event) => event.id === logId);
    assert.equal(logged.length, 2);
    scenario.heal();
    scenario.drive(20);
    assert.deepEqual(
      raw.read.filter((line) => line.startsWith(answer)).map((line) => line.match(/#(\d+)/)![1]),
      ['1', '2'],
    );
  });
}

test('[a1-lane-10] answers that wait for a peer expire after ten minutes, and not before', () => {
  const tenMinutes = 600_000;
  const answersAfter = (waitedMs: number): string[] => {
    const scenario = pair({ settings: { sendTimeoutMs: 2 * tenMinutes, acceptTimeoutMs: tenMinutes } });
    const { a, b } = scenario;
    const shelf = b.shelve(7);
    const raw = scenario.raw(a);
    raw.dial(b.index);
    scenario.drive(20);
    raw.write([{ type: 1 }, { type: 0x0100_0000, id: 1, dst: 7 }, { type: 0x0100_0000, id: 2, dst: 7 }]);
    scenario.drive(20);
    raw.hangUp();
    raw.isListening = false;
    scenario.drive(20);
    b.take(shelf)!.accept();
    b.take(shelf)!.reject();
    scenario.drive(waitedMs);
    raw.dial(b.index);
    scenario.drive(10);
    // The peer still holds the session, and repeats nothing that could be answered anew.
    raw.write([{ type: 1, flags: 2 }]);
    scenario.drive(20);
    return kinds(raw.read.map((line) => `a>b ${line}`));
  };
  assert.deepEqual(answersAfter(tenMinutes - 50), ['hello-response', 'hello-response', 'ack', 'error']);
  assert.deepEqual(answersAfter(tenMinutes + 50), ['hello-response', 'hello-response']);
});

test('[a1-send-3] a message to the own domus has the same lanes, deadline and answers', () => {
  const scenario = pair({
    settings: { sendQueueSize: 1, sendTimeoutMs: 1000, callisConnectTimeoutMs: 500, acceptTimeoutMs: 300 },
  });
  const { a } = scenario;
  a.serve(1);
  a.serve(2, (request) => void request.reject());
  const shelf = a.shelve(3);
  assert.equal(a.send(a, 1, 'accepted').state, 'accepted');
  assert.equal(a.send(a, 2, 'rejected').failure?.kind, 'remote-taberna-rejected');
  assert.equal(a.send(a, 9, 'nobody').failure?.kind, 'unknown-taberna');
  const taken = a.send(a, 3, 'taken');
  assert.equal(a.send(a, 3, 'full').failure?.kind, 'local-queue-full');
  const request = a.take(shelf)!;
  scenario.drive(1002);
  assert.equal(taken.failure?.kind, 'send-timeout');
  assert.equal(request.accept(), false);
  const ignored = a.send(a, 3, 'not taken');
  scenario.drive(302);
  assert.equal(ignored.failure?.kind, 'taberna-busy');
  assert.equal(a.domus.core.local.hasWork, false);
  assert.equal(scenario.wire.length, 0);
});

test('[a1-send-3] [a1-lane-5] undecided messages of both lanes to the own domus keep to themselves', () => {
  const scenario = pair();
  const { a } = scenario;
  const shelf = a.shelve(3);
  a.serve(1);
  const undecided = [];
  for (let i = 0; i < 24; i++) {
    const sent = a.send(a, i % 3 === 0 ? 3 : 1, `${i}`, { tier: i % 4 < 2 ? 'a2' : 'a3' });
    if (i % 3 === 0) undecided.push(sent);
    else assert.equal(sent.state, 'accepted');
  }
  for (const sent of undecided) {
    assert.equal(sent.state, 'pending');
    a.take(shelf)!.accept();
    assert.equal(sent.state, 'accepted');
  }
  assert.equal(a.domus.core.local.hasWork, false);
});
