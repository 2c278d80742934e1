/** Graceful ends: of one peer, of the whole domus, from either side, in the middle of work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pair, type Place, pair } from '../src/sim/pair.ts';

/** Nothing is left of a domus: no peer, no send, no deadline, no open end. */
function assertNothingLeft(scenario: Pair, place: Place): void {
  const { core } = place.domus;
  assert.equal(core.peers.size, 0);
  assert.equal(core.local.hasWork, false);
  assert.equal(core.nextDeadline(), Number.POSITIVE_INFINITY);
  for (const other of scenario.places) {
    if (other === place) continue;
    const own = scenario.ends(place, other).filter((end) => end.party === place.domus);
    assert.deepEqual(own, []);
  }
}

test('[a1-close-1] [a1-close-2] closing a peer refuses new work, fails tracked work, drains answers, then says close', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = a.shelve(7);
  b.shelve(7);
  b.send(a, 7, 'to be answered');
  scenario.drive(20);
  const lost = a.send(b, 7, 'unanswered');
  scenario.drive(20);
  // The way out is full, so the answer must wait for the drain.
  scenario.world.network.route(a.index, b.index).capacity = 0;
  scenario.block(a, b);
  a.send(b, 7, 'fills');
  const request = a.take(shelf)!;
  assert.equal(request.accept(), true);
  a.domus.closePeer(b.address, a.domus.now() + 5000);
  assert.equal(lost.failure?.kind, 'peer-unavailable');
  assert.equal(a.send(b, 7, 'late').failure?.kind, 'peer-unavailable');
  scenario.drive(20);
  scenario.heal();
  scenario.drive(20);
  const lines = scenario.frames(a, b);
  assert.match(lines.at(-2)!, / ack #/);
  assert.match(lines.at(-1)!, / close #0/);
  assertNothingLeft(scenario, a);
});

test('[a1-close-2] answers that do not drain hold a close up to its deadline and no longer', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = a.shelve(7);
  b.send(a, 7, 'to be answered');
  scenario.drive(20);
  scenario.world.network.route(a.index, b.index).capacity = 0;
  scenario.block(a, b);
  a.send(b, 7, 'fills');
  a.take(shelf)!.accept();
  a.domus.closePeer(b.address, a.domus.now() + 2000);
  scenario.drive(1990);
  assert.equal(a.knows(b), true);
  scenario.drive(1020);
  assertNothingLeft(scenario, a);
});

test('[a1-close-2] the listener stays: a peer that was closed may come back', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(7);
  b.serve(7);
  a.send(b, 7, 'opens');
  scenario.drive(20);
  a.domus.closePeer(b.address, a.domus.now() + 1000);
  scenario.drive(20);
  const back = b.send(a, 7, 'again');
  scenario.drive(20);
  assert.equal(back.state, 'accepted');
});

test('[a1-close-2] close is said on each primary', () => {
  const scenario = pair();
  const { a, b } = scenario;
  a.serve(7);
  b.serve(7);
  a.send(b, 7, 'crossing');
  b.send(a, 7, 'crossing');
  scenario.drive(20);
  a.domus.closePeer(b.address, a.domus.now() + 1000);
  scenario.drive(20);
  assert.equal(scenario.frames(a, b, 'close').length, 2);
  assertNothingLeft(scenario, a);
  assertNothingLeft(scenario, b);
});

test('[a1-close-3] [a1-close-4] shutdown answers what waits, lets what was taken be answered, then fails the rest', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const [taken, queued] = [a.send(b, 7, 'taken'), a.send(b, 7, 'queued')];
  a.shelve(8);
  const own = b.send(a, 8, 'never answered');
  scenario.drive(20);
  const request = b.take(shelf)!;
  b.domus.beginShutdown();
  scenario.drive(20);
  assert.equal(queued.failure?.kind, 'domus-closed');
  assert.equal(taken.state, 'pending');
  assert.equal(b.domus.core.isQuiet, false);
  const late = a.send(b, 7, 'late');
  request.accept();
  scenario.drive(20);
  assert.equal(taken.state, 'accepted');
  assert.equal(late.failure?.kind, 'domus-closed');
  b.domus.endShutdown();
  assert.equal(own.failure?.kind, 'domus-closed');
  scenario.drive(20);
  assertNothingLeft(scenario, b);
  assertNothingLeft(scenario, a);
});

test('[a1-close-5] [a1-close-6] an idle domus with many peers closes them at once, in two flights', () => {
  const scenario = pair({ domus: 6 });
  const { a } = scenario;
  a.serve(7);
  for (const place of scenario.places.slice(1)) place.send(a, 7, 'opens');
  scenario.drive(100);
  const start = scenario.elapsedMs;
  a.domus.beginShutdown();
  a.domus.endShutdown();
  assert.ok(scenario.driveUntil(() => a.domus.core.peers.size === 0, 100));
  assert.ok(scenario.elapsedMs - start <= 3, 'one flight there, one back');
  assertNothingLeft(scenario, a);
});

test('[a1-close-6] a domus that never had a peer is closed at once', () => {
  const scenario = pair();
  const { a } = scenario;
  a.domus.beginShutdown();
  assert.equal(a.domus.core.isQuiet, true);
  a.domus.endShutdown();
  assertNothingLeft(scenario, a);
});

test('[a1-close-7] an abort cuts everything at once, whatever is under way', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.shelve(7);
  const unanswered = a.send(b, 7, 'unanswered');
  scenario.drive(20);
  scenario.partition();
  const unwritten = a.send(a, 9, 'nobody');
  const parked = a.send(b, 7, 'parked');
  a.domus.beginShutdown();
  a.domus.abort();
  assert.equal(unanswered.failure?.kind, 'domus-closed');
  assert.equal(parked.failure?.kind, 'domus-closed');
  assert.equal(unwritten.failure?.kind, 'unknown-taberna');
  assertNothingLeft(scenario, a);
});

test('[a1-close-8] closing twice, and closing what is gone, does nothing more', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'opens');
  scenario.drive(20);
  for (let i = 0; i < 2; i++) {
    a.domus.beginShutdown();
    a.domus.endShutdown();
    a.domus.closePeer(b.address, a.domus.now());
  }
  scenario.drive(20);
  a.domus.abort();
  a.domus.abort();
  assert.equal(scenario.frames(a, b, 'close').length, 1);
  assertNothingLeft(scenario, a);
});

test('[a1-close-6] both sides closing at once end within two flights', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'opens');
  scenario.drive(20);
  for (const place of [a, b]) {
    place.domus.beginShutdown();
    place.domus.endShutdown();
  }
  scenario.drive(5);
  assertNothingLeft(scenario, a);
  assertNothingLeft(scenario, b);
});

test('[a1-close-6] a domus that is dialling closes without waiting for the dial', () => {
  const scenario = pair();
  const { a, b } = scenario;
  scenario.partition();
  const sent = a.send(b, 7, 'order');
  scenario.drive(100);
  a.domus.beginShutdown();
  a.domus.endShutdown();
  assert.equal(sent.failure?.kind, 'domus-closed');
  assertNothingLeft(scenario, a);
});
