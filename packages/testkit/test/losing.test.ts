/** Losing a callis: replay, dedupe, takeover, redials, impaired peers and teardown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { pair } from '../src/sim/pair.ts';
import { crossing } from './crossing.ts';

test('[a1-loss-1] [a1-in-10] [a1-in-11] an ack that is lost is given again, and the handler sees the message once', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  const sent = a.send(b, 7, 'order');
  assert.ok(scenario.driveUntil(() => b.seen.length === 1));
  scenario.cut();
  assert.equal(sent.state, 'pending');
  scenario.drive(1100);
  assert.equal(sent.state, 'accepted');
  assert.deepEqual(b.seen, ['order']);
  assert.equal(scenario.frames(b, a, 'ack').length, 2);
  assert.equal(b.domus.core.counters.duplicatesIn, 1);
});

test('[a1-in-11] a duplicate of a rejected message is rejected again', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7, (request) => void request.reject());
  const sent = a.send(b, 7, 'order');
  assert.ok(scenario.driveUntil(() => b.seen.length === 1));
  scenario.cut();
  scenario.drive(1100);
  assert.equal(sent.failure?.kind, 'remote-taberna-rejected');
  assert.equal(sent.failure?.delivery, 'refused');
  assert.deepEqual(b.seen, ['order']);
});

test('[a1-in-12] a duplicate of an undecided message gets no answer of its own', () => {
  const scenario = pair({ settings: { reconnectBackoffMs: [500] } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sent = a.send(b, 7, 'order');
  scenario.drive(20);
  for (let i = 0; i < 3; i++) {
    scenario.cut();
    scenario.drive(1100);
  }
  assert.equal(b.domus.core.counters.duplicatesIn, 3);
  assert.equal(scenario.frames(b, a, 'ack').length, 0);
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.equal(sent.state, 'accepted');
  assert.equal(scenario.frames(b, a, 'ack').length, 1);
});

test('[a1-loss-1] [a1-inv-1] [a1-inv-3] a reset at every byte of an exchange loses and repeats nothing', () => {
  const bytes = 3 * 32 + 5 + 5;
  for (const direction of ['there', 'back'] as const) {
    for (let offset = 1; offset <= bytes; offset++) {
      const scenario = pair();
      const { a, b } = scenario;
      b.serve(7);
      scenario.pieces(1);
      const sends = [a.send(b, 7, 'first'), a.send(b, 7, 'other')];
      const arrived = (): number => {
        const end = scenario.ends(a, b).find((one) => one.isDialler === (direction === 'back'));
        return end?.inward.delivered ?? 0;
      };
      scenario.driveUntil(() => arrived() === offset, 1000);
      scenario.cut();
      scenario.drive(2000);
      assert.deepEqual(
        sends.map((entry) => entry.state),
        ['accepted', 'accepted'],
        `${direction}, byte ${offset}`,
      );
      assert.deepEqual(b.seen, ['first', 'other'], `${direction}, byte ${offset}`);
    }
  }
});

test('[a1-loss-2] [a1-call-15] another active primary takes over at once what a lost one carried', () => {
  const { scenario, sent, accept, carrier } = crossing();
  const { a, b } = scenario;
  const { outlet } = a.session(b);
  const dials = a.domus.core.counters.dialAttempts;
  carrier.party.ended(carrier, 'connection reset');
  assert.notEqual(a.session(b).outlet, outlet);
  scenario.drive(5);
  assert.equal(scenario.frames(a, b, 'message').length, 2, 'replayed on the other primary');
  assert.equal(a.domus.core.counters.dialAttempts, dials, 'without a dial');
  accept();
  scenario.drive(5);
  assert.equal(sent.state, 'accepted');
});

test('[a1-loss-2] [a1-in-11] an answer that another primary carried is asked for again when that one is lost', () => {
  const { scenario, sent, accept, spare } = crossing();
  const { a, b } = scenario;
  const { inbox } = b.session(a).answers;
  const id = Number(/#(\d+)/.exec(scenario.frames(a, b, 'message')[0]!)![1]);
  // As a Rust peer may: the answer takes the other way, which breaks before it has come.
  inbox.reads(spare.other.callis!.serial);
  inbox.cameAgain(id);
  accept();
  scenario.driveUntil(() => scenario.frames(b, a, 'ack').length === 1, 0);
  spare.party.ended(spare, 'connection reset');
  scenario.drive(50);
  assert.equal(sent.state, 'accepted');
  assert.equal(a.domus.core.counters.replays, 1);
});

test('[a1-loss-2] what other primaries carry is asked for again when one is left, and again when the peer has ended it', () => {
  const { scenario, sent, accept, spare } = crossing();
  const { a, b } = scenario;
  a.session(b).leave(spare.callis!, 'protocol-violation', '', spare.callis!.lastReadAt);
  a.domus.endTurn();
  scenario.driveUntil(() => a.domus.core.counters.replays === 1, 5);
  scenario.driveUntil(() => spare.callis!.phase === 'ended', 50);
  scenario.drive(5);
  assert.equal(a.domus.core.counters.replays, 2);
  accept();
  scenario.drive(5);
  assert.equal(sent.state, 'accepted');
});

test('[a1-in-15] an answer takes the primary that brought the question, whichever carries own messages', () => {
  const { scenario, sent, accept, carrier, spare } = crossing();
  const { a, b } = scenario;
  const session = b.session(a);
  session.outlet = spare.other.callis;
  const before = [carrier.inward.delivered, spare.inward.delivered];
  accept();
  scenario.drive(5);
  assert.equal(sent.state, 'accepted');
  assert.deepEqual([carrier.inward.delivered - before[0]!, spare.inward.delivered - before[1]!], [32, 0], 'the ack');
});

test('[a1-in-15] an answer takes the primary that brought the question last, though the first one still seems to be there', () => {
  const { scenario, sent, accept, carrier } = crossing();
  const { a, b } = scenario;
  carrier.outward.dark = true;
  carrier.party.ended(carrier, 'connection reset');
  scenario.drive(5);
  assert.equal(scenario.frames(a, b, 'message').length, 2, 'the question has come again');
  assert.ok(carrier.other.callis!.isActivePrimary);
  accept();
  scenario.drive(5);
  assert.equal(sent.state, 'accepted');
});

test('[a1-loss-3] [a1-dial-3] redials come at once, then after each entry of reconnectBackoff, the last repeating', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 60_000 } });
  const { a, b } = scenario;
  b.shelve(7);
  a.send(b, 7, 'order');
  scenario.drive(1100);
  const dials: number[] = [];
  const start = scenario.elapsedMs;
  let before = a.domus.core.counters.dialAttempts;
  scenario.crash(b);
  scenario.driveUntil(() => {
    const { dialAttempts } = a.domus.core.counters;
    if (dialAttempts !== before) dials.push(Math.round((scenario.elapsedMs - start) / 100) / 10);
    before = dialAttempts;
    return dials.length === 6;
  });
  assert.deepEqual(dials, [0, 1, 3, 7, 11, 15]);
});

test('[a1-loss-4] the side that had dialled redials without work of its own', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(8);
  b.serve(7);
  a.send(b, 7, 'order');
  scenario.drive(100);
  scenario.cut();
  const back = b.send(a, 8, 'waits for the redial');
  scenario.drive(20);
  assert.equal(back.state, 'accepted');
  assert.equal(b.domus.core.counters.dialAttempts, 0);
  assert.equal(a.domus.core.counters.dialAttempts, 2);
});

test('[a1-loss-5] [a1-loss-6] [a1-send-8] an impaired peer takes sends, and after sendTimeout they fail with the last cause', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 10_000, callisConnectTimeoutMs: 2000 } });
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'order');
  scenario.drive(100);
  scenario.crash(b);
  scenario.drive(5000);
  const waiting = a.send(b, 7, 'waits');
  scenario.drive(4900);
  assert.equal(waiting.state, 'pending');
  scenario.drive(200);
  assert.equal(waiting.failure?.kind, 'peer-unavailable');
  assert.equal(waiting.failure?.delivery, 'not-sent');
  assert.ok(DomusError.is(waiting.failure?.cause) && /connection refused/.test(waiting.failure.cause.message));
  assert.equal(a.knows(b), false);
  assert.equal(a.events('peer-disconnected')[0]?.reason, 'unreachable');
});

test('[a1-loss-7] [a1-loss-8] a close from the peer ends the session, fails tracked work and is not redialled', () => {
  const scenario = pair({ domus: 3 });
  const { a, b } = scenario;
  const c = scenario.places[2]!;
  c.serve(7);
  b.shelve(7);
  const lost = a.send(b, 7, 'never answered');
  a.send(c, 7, 'other peer');
  scenario.drive(20);
  b.domus.closePeer(a.address, b.domus.now() + 1000);
  scenario.drive(20);
  assert.equal(lost.failure?.kind, 'peer-unavailable');
  assert.equal(lost.failure?.delivery, 'unknown');
  assert.equal(scenario.frames(b, a, 'close').length, 1);
  assert.equal(a.knows(b), false);
  assert.equal(a.session(c).live, true, 'other peers are untouched');
  const dials = a.domus.core.counters.dialAttempts;
  scenario.drive(60_000);
  assert.equal(a.domus.core.counters.dialAttempts, dials);
  a.serve(8);
  const later = b.send(a, 8, 'a new session');
  scenario.drive(20);
  assert.equal(later.state, 'accepted');
});

test('[a1-loss-10] an answer that comes after the deadline is ignored', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sent = a.send(b, 7, 'order');
  scenario.drive(20);
  const request = b.take(shelf)!;
  scenario.drive(1000);
  assert.equal(sent.failure?.kind, 'send-timeout');
  assert.equal(sent.failure?.delivery, 'unknown');
  assert.equal(request.accept(), true);
  scenario.drive(20);
  assert.equal(scenario.frames(b, a, 'ack').length, 1);
  assert.equal(sent.told, 1);
  assert.equal(a.session(b).hasWork, false);
});

test('[a1-loss-10] bytes, drains and ends of a callis that is gone change nothing', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'order');
  scenario.drive(20);
  const end = scenario.ends(b, a)[0]!;
  scenario.cut();
  scenario.drive(20);
  const before = { ...b.domus.core.counters };
  b.domus.bytes(end, Buffer.from('0001000000000005000000000000000000000000000000000000000000000000', 'hex'));
  b.domus.drained(end);
  b.domus.ended(end, 'again');
  assert.deepEqual({ ...b.domus.core.counters }, before);
  assert.equal(b.session(a).live, true);
});
