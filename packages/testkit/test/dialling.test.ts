/** Who dials and when, the caps on calles and hellos, keepalives, nudges and stalled writes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pair } from '../src/sim/pair.ts';

test('[a1-dial-1] the first own dial waits listenerDelay, counted from the first work', () => {
  const scenario = pair({ settings: { listenerDelayMs: 5000 } });
  const { a, b } = scenario;
  b.serve(7);
  scenario.drive(60_000);
  const sent = a.send(b, 7, 'order');
  scenario.drive(3000);
  a.send(b, 7, 'more work');
  scenario.drive(1990);
  assert.equal(a.domus.core.counters.dialAttempts, 0);
  scenario.drive(20);
  assert.equal(a.domus.core.counters.dialAttempts, 1);
  assert.equal(sent.state, 'accepted');
});

test('[a1-dial-2] a listener waits listenerReconnectTimeout, at most a third of sendTimeout, for a lost peer', () => {
  for (const [timeout, expected] of [
    [2000, 2000],
    [20_000, 10_000],
  ] as const) {
    const scenario = pair({ settings: { listenerReconnectTimeoutMs: timeout, sendTimeoutMs: 30_000 } });
    const { a, b } = scenario;
    a.shelve(7);
    b.serve(7);
    b.send(a, 7, 'opens');
    scenario.drive(100);
    scenario.crash(b);
    scenario.drive(1);
    a.send(b, 7, 'order');
    scenario.drive(expected - 20);
    assert.equal(a.domus.core.counters.dialAttempts, 0);
    scenario.drive(40);
    assert.equal(a.domus.core.counters.dialAttempts, 1);
  }
});

test('[a1-dial-4] an inbound primary serves waiting work, whatever the role', () => {
  const scenario = pair({ settings: { listenerDelayMs: 20_000 } });
  const { a, b } = scenario;
  a.serve(7);
  b.serve(7);
  const waits = a.send(b, 7, 'waits');
  scenario.drive(1000);
  b.domus.updateSettings({ ...scenario.settings, listenerDelayMs: 0 });
  b.send(a, 7, 'opens');
  scenario.drive(20);
  assert.equal(waits.state, 'accepted');
  assert.equal(a.domus.core.counters.dialAttempts, 0);
});

test('[a1-dial-5] one dial at a time, and none while a primary is active', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  for (let i = 0; i < 10; i++) a.send(b, 7, 'order');
  scenario.drive(2);
  for (let i = 0; i < 10; i++) a.send(b, 7, 'order');
  scenario.drive(100);
  a.send(b, 7, 'order');
  scenario.drive(30_000);
  assert.equal(a.domus.core.counters.dialAttempts, 1);
});

test('[a1-dial-6] a peer without callis, work or redial to do is forgotten', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 2000, callisConnectTimeoutMs: 1000 } });
  const { a, b } = scenario;
  scenario.crash(b);
  const sent = a.send(b, 7, 'order');
  scenario.drive(1990);
  assert.equal(a.knows(b), true);
  scenario.drive(20);
  assert.equal(sent.failure?.kind, 'send-timeout');
  assert.equal(a.knows(b), false);
  assert.equal(a.domus.core.nextDeadline(), Number.POSITIVE_INFINITY);
});

test('[a1-dial-7] [a1-log-3] over maxParallelCallisPerPeer a plain hello is refused with error 3 and logged', () => {
  const scenario = pair({ settings: { maxParallelCallisPerPeer: 1, inboundHandshakeLimitPerPeer: 8 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  raw.dial(b.index);
  raw.dial(b.index);
  scenario.drive(20);
  raw.write([{ type: 1 }], raw.ends[0]!);
  scenario.drive(20);
  // Its challenge is older than the activation, so it is a second primary and no restart.
  raw.write([{ type: 1 }], raw.ends[1]!);
  scenario.drive(20);
  assert.equal(raw.read[0], 'hello-response #0 (0 B)');
  assert.match(raw.read[1]!, /^error #0 peer-unavailable/);
  assert.equal(raw.read[2], 'end');
  assert.ok(b.events('limited-log').some((event) => event.id === 1003));
  assert.equal(b.session(a).calles.filter((callis) => callis.phase === 'active').length, 1);
});

test('[a1-dial-7] the cap is checked after the clean-up of a restart', () => {
  const scenario = pair({ settings: { maxParallelCallisPerPeer: 1 } });
  const { a, b } = scenario;
  a.serve(7);
  b.send(a, 7, 'opens');
  scenario.drive(20);
  scenario.crash(b, true);
  scenario.start(b);
  const again = b.send(a, 7, 'opens again');
  scenario.drive(20);
  assert.equal(again.state, 'accepted');
});

test('[a1-dial-8] [a1-loss-9] at the cap a RECONNECT ends the callis that has been silent longest, without a close', () => {
  const scenario = pair({ settings: { maxParallelCallisPerPeer: 2, inboundHandshakeLimitPerPeer: 8 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  for (let i = 0; i < 3; i++) {
    raw.dial(b.index);
    scenario.drive(20);
    raw.write([{ type: 1, flags: i === 0 ? 0 : 2 }]);
    scenario.drive(20);
    if (i === 1) raw.write([{ type: 3 }], raw.ends[0]!);
    scenario.drive(20);
  }
  assert.deepEqual(
    raw.ends.map((end) => end.closed),
    [false, true, false],
  );
  assert.equal(b.session(a).calles.length, 2);
  assert.equal(b.events('primary-callis-disconnected')[0]?.reason, 'replaced');
  assert.equal(scenario.frames(b, a, 'close').length, 0);
});

test('[a1-dial-9] [a1-log-4] beyond inboundHandshakeLimitPerPeer hellos under way a connection ends without a byte', () => {
  const scenario = pair({ settings: { inboundHandshakeLimitPerPeer: 2 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  for (let i = 0; i < 3; i++) raw.dial(b.index);
  scenario.drive(20);
  assert.deepEqual(raw.read, ['end']);
  assert.deepEqual(
    b.events('limited-log').map((event) => event.id),
    [1002],
  );
  raw.write([{ type: 1 }], raw.ends[0]!);
  scenario.drive(20);
  raw.dial(b.index);
  scenario.drive(20);
  assert.equal(raw.ends.length, 4);
  assert.equal(raw.ends[3]!.closed, false, 'an ended hello makes room');
});

test('[a1-keep-1] [a1-keep-2] [a1-wire-6] a keepalive is written where nothing else was, and is not answered', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 1000 } });
  const { a, b } = scenario;
  b.domus.updateSettings({ ...scenario.settings, keepaliveIntervalMs: 0 });
  b.serve(7);
  a.send(b, 7, 'order');
  scenario.drive(20);
  for (let i = 0; i < 4; i++) {
    scenario.drive(500);
    a.send(b, 7, 'order');
  }
  assert.equal(scenario.frames(a, b, 'keepalive').length, 0);
  scenario.drive(3100);
  assert.equal(scenario.frames(a, b, 'keepalive').length, 3);
  assert.equal(scenario.frames(b, a, 'keepalive').length, 0);
});

test('[a1-keep-4] [case-91] a callis whose write does not drain within sendTimeout is dropped and its work replayed', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 4000, callisConnectTimeoutMs: 1000 } });
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'opens');
  scenario.drive(100);
  const route = scenario.world.network.route(a.index, b.index);
  route.capacity = 0;
  scenario.block(a, b);
  a.send(b, 7, 'stuck');
  scenario.drive(2000);
  const later = a.send(b, 7, 'later');
  scenario.drive(1900);
  assert.equal(a.session(b).calles.length, 1);
  route.capacity = 256 * 1024;
  scenario.drive(150);
  assert.equal(a.events('primary-callis-disconnected')[0]?.reason, 'write-stalled');
  scenario.heal();
  scenario.drive(1500);
  assert.equal(later.state, 'accepted');
});

test('[a1-keep-7] a header whose payload has not begun is nudged once by a keepalive, on TCP alone', () => {
  for (const nudges of [true, false]) {
    const scenario = pair({ nudges });
    const { a, b } = scenario;
    b.serve(7);
    scenario.pieces(32);
    a.send(b, 7, 'x'.repeat(64));
    scenario.drive(20);
    assert.equal(scenario.frames(b, a, 'keepalive').length, nudges ? 1 : 0);
    assert.equal(b.domus.core.counters.nudgesOut, nudges ? 1 : 0);
  }
});

test('[a1-keep-7] no nudge where something is about to be written anyway, or where it is turned off', () => {
  const scenario = pair({ nudges: true });
  const { a, b } = scenario;
  b.serve(7);
  a.serve(8);
  a.send(b, 7, 'opens');
  scenario.drive(100);
  scenario.pieces(32);
  // The chunk that ends behind a header brings an ack with it, so the answer does the nudge's work.
  a.send(b, 7, '');
  a.send(b, 7, 'x'.repeat(64));
  scenario.drive(20);
  assert.equal(b.domus.core.counters.nudgesOut, 1);
  b.domus.updateSettings({ ...scenario.settings, nudge: false });
  a.send(b, 7, 'x'.repeat(64));
  scenario.drive(20);
  assert.equal(b.domus.core.counters.nudgesOut, 1);
});

test('[a1-dial-2] an answer that is decided without a callis makes a listener dial too, in its time', () => {
  const scenario = pair({ settings: { listenerReconnectTimeoutMs: 2000 } });
  const { a, b } = scenario;
  const shelf = a.shelve(7);
  const sent = b.send(a, 7, 'order');
  scenario.drive(20);
  const request = a.take(shelf)!;
  scenario.partition();
  scenario.cut();
  scenario.drive(500);
  assert.equal(request.accept(), true);
  // The peer is in the middle of a dial of its own that will not end.
  scenario.block(b, a);
  scenario.drive(1600);
  assert.equal(a.domus.core.counters.dialAttempts, 1);
  scenario.heal();
  scenario.drive(1000);
  assert.equal(sent.state, 'accepted');
});

test('[a1-lane-15] keepalives that came due without a callis are not written later', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 100 } });
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'opens');
  scenario.drive(50);
  scenario.partition();
  scenario.cut();
  scenario.drive(5000);
  scenario.heal();
  const from = scenario.wire.length;
  assert.ok(scenario.driveUntil(() => a.session(b).outlet !== undefined, 5000));
  scenario.drive(50);
  assert.deepEqual(
    scenario.wire.slice(from).map((line) => line.replace(/ #.*/, '')),
    ['a>b hello RECONNECT', 'b>a hello-response RECONNECT'],
  );
});
