/** The hello exchange of a primary callis: the four rows of its table, restarts, and both sides dialling at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { pair } from '../src/sim/pair.ts';

const RECONNECT = 2;
/** A callis that has lived so long, or has brought an answer, is redialled at once when it is lost. */
const SETTLED_MS = 1100;

test('[a1-call-1] [a1-call-2] [a1-call-4] a plain hello and a plain response begin a session', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  const sent = a.send(b, 7, 'order');
  scenario.drive(20);
  assert.equal(sent.state, 'accepted');
  const id = sent.id || a.session(b).retained.nextId - 1;
  assert.deepEqual(scenario.wire, [
    'a>b hello #0 (0 B)',
    'b>a hello-response #0 (0 B)',
    `a>b A3 message 0x1000000 #${id} to 0x0000000000000007 (5 B)`,
    `b>a ack #${id} (0 B)`,
  ]);
  assert.equal(a.events('peer-connected')[0]?.freshSession, true);
  assert.equal(b.events('peer-connected')[0]?.freshSession, true);
});

test('[a1-call-5] [a1-loss-1] RECONNECT answered by RECONNECT goes on with the session: what is unanswered is replayed', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sent = a.send(b, 7, 'order');
  scenario.drive(SETTLED_MS);
  scenario.cut();
  scenario.drive(20);
  const messages = scenario.frames(a, b, 'message');
  assert.equal(messages.length, 2);
  assert.equal(messages[0], messages[1], 'the replay keeps its id');
  assert.equal(scenario.frames(a, b, 'hello RECONNECT').length, 1);
  assert.equal(scenario.frames(b, a, 'hello-response RECONNECT').length, 1);
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.equal(sent.state, 'accepted');
  assert.equal(b.take(shelf), undefined, 'the handler sees it once');
  assert.equal(a.events('peer-session-restarted').length, 0);
});

test('[a1-call-6] RECONNECT in answer to a plain hello is a violation: the dial has failed', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.answersHello = false;
  const sent = a.send(b, 7, 'order');
  scenario.drive(5);
  raw.write([{ type: 2, flags: RECONNECT }]);
  scenario.drive(20);
  assert.deepEqual(raw.read, ['hello #0 (0 B)', 'end']);
  assert.equal(a.domus.core.counters.protocolViolations, 1);
  assert.equal(a.domus.core.counters.dialFailures, 1);
  assert.equal(sent.state, 'pending');
});

test('[a1-call-7] [a1-call-8] a peer that forgot us: what was written fails, what was never written is sent', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.shelve(7);
  const written = a.send(b, 7, 'written');
  scenario.drive(SETTLED_MS);
  scenario.crash(b);
  scenario.drive(5);
  const unwritten = a.send(b, 7, 'unwritten');
  scenario.start(b);
  b.serve(7);
  scenario.drive(1100);
  assert.equal(written.failure?.kind, 'peer-restarted');
  assert.equal(written.failure?.delivery, 'unknown');
  assert.equal(unwritten.state, 'accepted');
  assert.deepEqual(b.seen, ['unwritten']);
  assert.equal(a.events('peer-session-restarted').length, 1);
});

test('[a1-call-9] [a1-call-13] after a restart old requests are answered to nobody, and old ids may be used again', () => {
  const scenario = pair({ firstId: 5 });
  const { a, b } = scenario;
  const shelf = a.shelve(7);
  b.send(a, 7, 'old');
  scenario.drive(20);
  const old = a.take(shelf)!;
  scenario.crash(b);
  scenario.start(b);
  const again = b.send(a, 7, 'new');
  scenario.drive(20);
  assert.equal(old.accept(), false, 'the decision counts no more');
  const fresh = a.take(shelf)!;
  assert.equal(fresh.text, 'new');
  assert.equal(fresh.taken.id, old.taken.id, 'the restarted peer began with the same id');
  scenario.drive(20);
  assert.equal(again.state, 'pending');
  assert.equal(scenario.frames(a, b, 'ack').length, 0);
  assert.equal(fresh.accept(), true);
  scenario.drive(20);
  assert.equal(again.state, 'accepted');
});

test('[a1-call-9] answers that wait for a peer are discarded when it has restarted', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = a.shelve(7);
  b.send(a, 7, 'one');
  b.send(a, 7, 'two');
  scenario.drive(20);
  const [one, two] = [a.take(shelf)!, a.take(shelf)!];
  scenario.crash(b);
  scenario.drive(2);
  assert.equal(one.accept(), true);
  assert.equal(two.reject(), true);
  assert.equal(a.session(b).answers.waiting, 2);
  scenario.start(b);
  scenario.drive(60_000);
  assert.equal(scenario.frames(a, b, 'ack').length, 0);
  assert.equal(scenario.frames(a, b, 'rejected').length, 0);
});

test('[a1-call-10] a plain answer to RECONNECT is no second restart when another primary came up since', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(7);
  b.shelve(7);
  a.send(b, 7, 'before');
  scenario.drive(SETTLED_MS);
  scenario.crash(b);
  scenario.start(b);
  b.serve(7);
  scenario.drive(1);
  // Now the old callis ends at `a`, which redials with RECONNECT, while the new `b` dials plainly: both hellos cross.
  const after = a.send(b, 7, 'after');
  const back = b.send(a, 7, 'back');
  scenario.drive(20);
  assert.equal(scenario.frames(a, b, 'hello RECONNECT').length, 1);
  assert.equal(scenario.frames(b, a, 'hello-response RECONNECT').length, 0);
  assert.equal(a.events('peer-session-restarted').length, 1);
  assert.equal(after.state, 'accepted');
  assert.equal(back.state, 'accepted');
  assert.deepEqual(b.seen, ['after']);
});

test('[a1-call-4] [a1-call-11] [a1-call-14] both sides dialling at once get two primaries and lose nothing', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(7);
  b.serve(7);
  const there = a.send(b, 7, 'there');
  const back = b.send(a, 7, 'back');
  scenario.drive(20);
  assert.equal(there.state, 'accepted');
  assert.equal(back.state, 'accepted');
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    assert.deepEqual(
      one.session(other).calles.map((callis) => callis.phase),
      ['active', 'active'],
    );
    assert.equal(one.events('peer-session-restarted').length, 0);
  }
});

test('[a1-call-12] [a1-call-9] [case-90] a plain hello to a held session is a restart, even while the old primary looks alive', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(7);
  b.shelve(7);
  const written = a.send(b, 7, 'written');
  scenario.drive(20);
  const old = a.session(b).outlet;
  scenario.crash(b, true);
  scenario.start(b);
  const fresh = b.send(a, 7, 'fresh');
  assert.equal(a.session(b).outlet, old);
  scenario.drive(20);
  assert.equal(written.failure?.kind, 'peer-restarted');
  assert.equal(fresh.state, 'accepted');
  assert.equal(old?.phase, 'ended');
  assert.equal(scenario.frames(a, b, 'hello-response RECONNECT').length, 0);
});

test('[a1-call-3] a dial that does not end within callisConnectTimeout fails with a text that says so', () => {
  const scenario = pair({ settings: { callisConnectTimeoutMs: 500, sendTimeoutMs: 800 } });
  const { a, b } = scenario;
  scenario.partition();
  const sent = a.send(b, 7, 'order');
  scenario.drive(499);
  assert.equal(a.events('peer-dial-failed').length, 0);
  scenario.drive(2);
  const { error } = a.events('peer-dial-failed')[0]!;
  assert.ok(DomusError.is(error) && error.kind === 'peer-unavailable' && /callis connect timeout/.test(error.message));
  scenario.drive(400);
  assert.equal(sent.failure?.kind, 'send-timeout');
  assert.equal(sent.failure?.cause, error);
});

test('[a1-call-3] a dialler that says no hello is dropped after callisConnectTimeout, counted from the end of A0', () => {
  const scenario = pair({ settings: { callisConnectTimeoutMs: 500 } });
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.dial(a.index);
  scenario.drive(5);
  assert.equal(a.session(b).calles.length, 1);
  scenario.drive(497);
  assert.deepEqual(raw.read, []);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['end']);
  assert.equal(a.knows(b), false);
});

test('[a1-call-7] [a1-call-17] RECONNECT of a restarted peer means its new session, even where it overtakes its plain answer', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const written = a.send(b, 7, 'written');
  scenario.drive(SETTLED_MS);
  b.take(shelf)!;
  scenario.crash(b);
  scenario.start(b);
  b.serve(7);
  scenario.drive(3);
  // `b` dials too; when it has passed A0 it has answered the hello of `a` already, but the answer is slow.
  b.send(a, 8, 'crossing');
  scenario.drive(2.9);
  scenario.delay(b, a, 50);
  scenario.drive(0.2);
  scenario.delay(b, a, 1);
  scenario.drive(3000);
  assert.equal(written.failure?.kind, 'peer-restarted');
  assert.equal(b.seen.filter((text) => text === 'written').length, 1, 'seen in the first life alone');
  const fresh = a.send(b, 7, 'fresh');
  scenario.drive(100);
  assert.equal(fresh.state, 'accepted');
});

test('[a1-call-7] [a1-dial-5] a dial that ends beside a primary that is new to a restarted peer is given up', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const written = a.send(b, 7, 'written');
  scenario.drive(SETTLED_MS);
  b.take(shelf)!;
  scenario.crash(b);
  scenario.start(b);
  b.serve(7);
  scenario.drive(3);
  b.send(a, 8, 'crossing');
  scenario.drive(2.9);
  scenario.delay(b, a, 50);
  scenario.drive(0.2);
  scenario.delay(b, a, 1);
  // The plain answer is on its way when `a` loses the connection; `b` passes A0 before it knows.
  scenario.delay(a, b, 20);
  const [end] = scenario.ends(a, b).filter((one) => one.party === a.domus && one.isDialler);
  end!.party.ended(end!, 'connection reset');
  scenario.drive(3000);
  assert.equal(written.failure?.kind, 'peer-restarted');
  assert.deepEqual(b.seen, ['written'], 'seen in the first life alone');
});

test('[a1-call-7] [a1-call-16] a plain answer that never arrives is given again: the old session is not taken for the new', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const written = a.send(b, 7, 'written');
  scenario.drive(SETTLED_MS);
  b.take(shelf)!;
  scenario.crash(b);
  scenario.start(b);
  b.serve(7);
  assert.ok(scenario.driveUntil(() => b.knows(a) && b.session(a).live, 100));
  scenario.cut();
  scenario.drive(3000);
  assert.equal(scenario.frames(b, a, 'hello-response').length, 3);
  assert.equal(scenario.frames(b, a, 'hello-response RECONNECT').length, 0);
  assert.equal(written.failure?.kind, 'peer-restarted');
  assert.deepEqual(b.seen, ['written'], 'seen in the first life alone');
});

test('[a1-call-15] [a1-inv-4] fresh work stays on the primary that was active first', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.dial(a.index);
  scenario.drive(5);
  const early = raw.ends[0]!;
  a.send(b, 7, 'one');
  scenario.drive(10);
  // The connection of the peer is the older one, but it becomes active only now.
  raw.write([{ type: 1 }], early);
  scenario.drive(10);
  assert.deepEqual(
    a.session(b).calles.map((callis) => callis.phase),
    ['active', 'active'],
  );
  const { outlet } = a.session(b);
  assert.equal(outlet?.dialled, true);
  a.send(b, 7, 'two');
  assert.equal(raw.ends[1]!.inward.inFlight, 32 + 3);
  assert.equal(early.inward.inFlight, 0);
});

test('[a1-id-1] [a1-pay-4] ids wrap from 2^32 - 1 to 0, and a replay across the wrap loses and repeats nothing', () => {
  const scenario = pair({ firstId: 0xffff_fffd });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sends = ['1', '2', '3', '4', '5'].map((text) => a.send(b, 7, text));
  scenario.drive(SETTLED_MS);
  scenario.cut();
  scenario.drive(20);
  for (let request = b.take(shelf); request !== undefined; request = b.take(shelf)) request.accept();
  scenario.drive(20);
  assert.deepEqual(
    sends.map((entry) => entry.state),
    sends.map(() => 'accepted'),
  );
  assert.deepEqual(b.seen, ['1', '2', '3', '4', '5']);
  const ids = scenario.frames(a, b, 'message').map((line) => line.match(/#(\d+)/)![1]);
  const once = ['4294967293', '4294967294', '4294967295', '0', '1'];
  assert.deepEqual(ids, [...once, ...once]);
});

test('[a1-id-2] the first id has bit 31 set', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { a, b } = pair({ seed });
    a.send(b, 7, 'order');
    assert.ok(a.session(b).retained.nextId >= 0x8000_0000);
  }
});
