/** Silent primaries: noticed by the rhythm of the peer, and replaced before they are dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pair, type Place, pair } from '../src/sim/pair.ts';

/** Whatever is written on the calles between the places vanishes from now on, and nobody is told. */
function fallSilent(scenario: Pair, one: Place, other: Place): void {
  for (const end of scenario.ends(one, other)) end.outward.dark = true;
}

/** A session that has carried a message. */
function connected(scenario: Pair): void {
  const { a, b } = scenario;
  b.serve(7);
  const sent = a.send(b, 7, 'first');
  scenario.drive(100);
  assert.equal(sent.state, 'accepted');
}

test('[a1-keep-5] [a1-keep-6] a primary that has lost its rhythm is replaced, and what was sent meanwhile is delivered', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 2000 } });
  const { a, b } = scenario;
  connected(scenario);
  scenario.drive(8000);
  fallSilent(scenario, a, b);
  const before = scenario.elapsedMs;
  const sent = a.send(b, 7, 'second');
  assert.ok(scenario.driveUntil(() => sent.state !== 'pending'));
  assert.equal(sent.state, 'accepted');
  assert.deepEqual(b.seen, ['first', 'second']);
  // The last keepalive may have come up to an interval before.
  const waited = scenario.elapsedMs - before;
  assert.ok(waited > 2000 && waited < 5100, `${waited} ms`);
  const ended = a.events('primary-callis-disconnected');
  assert.deepEqual(
    ended.map((event) => event.reason),
    ['silent'],
  );
  const order = a.domus.events.map((event) => event.kind).filter((kind) => kind.startsWith('primary'));
  assert.deepEqual(order, ['primary-callis-connected', 'primary-callis-disconnected', 'primary-callis-connected']);
  assert.equal(
    scenario.frames(a, b, 'hello RECONNECT').length + scenario.frames(b, a, 'hello RECONNECT').length >= 1,
    true,
  );
  assert.equal(a.events('peer-connected').length, 1, 'the peer was never without a primary');
});

test('[a1-keep-5] before a rhythm is known, 15 s are assumed while own work is unanswered', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 0 } });
  const { a, b } = scenario;
  connected(scenario);
  scenario.drive(120_000);
  assert.equal(a.events('primary-callis-disconnected').length, 0, 'an idle peer may be quiet for as long as it likes');
  fallSilent(scenario, a, b);
  const before = scenario.elapsedMs;
  const sent = a.send(b, 7, 'second');
  assert.ok(scenario.driveUntil(() => sent.state !== 'pending'));
  assert.equal(sent.state, 'accepted');
  const waited = scenario.elapsedMs - before;
  assert.ok(waited >= 22_500 && waited < 22_600, `${waited} ms`);
});

test('[a1-keep-5] keepalives of a peer whose handler is slow are no silence', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 4000 } });
  const { a, b } = scenario;
  connected(scenario);
  const shelf = b.shelve(8);
  const sent = a.send(b, 8, 'slow', { timeoutMs: 200_000 });
  scenario.drive(100);
  const request = b.take(shelf)!;
  scenario.drive(100_000);
  assert.equal(a.events('primary-callis-disconnected').length, 0);
  request.accept();
  scenario.drive(10);
  assert.equal(sent.state, 'accepted');
});

test('[a1-keep-5] a nudge says nothing about the rhythm of a peer', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 0 }, nudges: true });
  const { a, b } = scenario;
  // Pieces as large as a header: each message is nudged.
  scenario.pieces(32);
  connected(scenario);
  assert.ok(scenario.frames(b, a, 'keepalive').length > 0, 'it was nudged');
  scenario.drive(60_000);
  assert.equal(a.events('primary-callis-disconnected').length, 0);
});

test('[a1-keep-6] where no other primary can be had, the silent one ends all the same', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 2000, callisConnectTimeoutMs: 3000 } });
  const { a, b } = scenario;
  connected(scenario);
  scenario.drive(8000);
  scenario.partition();
  const sent = a.send(b, 7, 'second');
  assert.ok(scenario.driveUntil(() => a.events('primary-callis-disconnected').length > 0));
  assert.equal(a.events('peer-dial-failed').length, 1);
  scenario.heal();
  assert.ok(scenario.driveUntil(() => sent.state !== 'pending'));
  assert.equal(sent.state, 'accepted');
  assert.deepEqual(b.seen, ['first', 'second']);
});

test('[a1-keep-6] a primary that speaks again before the other is up stays, and the dial is given up', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 2000 } });
  const { a, b } = scenario;
  connected(scenario);
  scenario.drive(8000);
  scenario.block(b, a);
  assert.ok(scenario.driveUntil(() => a.session(b).dial.kind === 'dialling', 20_000));
  scenario.heal();
  scenario.drive(3000);
  assert.equal(a.events('primary-callis-disconnected').length, 0);
  assert.equal(a.events('primary-callis-connected').length, 1);
});

test('[a1-keep-5] of two primaries the silent one is ended at once', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 2000 } });
  const { a, b } = scenario;
  a.serve(7);
  b.serve(7);
  // Both dial at once.
  a.send(b, 7, 'there');
  b.send(a, 7, 'back');
  scenario.drive(8000);
  const ends = scenario.ends(a, b).filter((end) => end.party.index === 0);
  assert.equal(ends.length, 2);
  const outlet = ends.find((end) => end.callis === a.session(b).outlet)!;
  outlet.outward.dark = true;
  outlet.inward.dark = true;
  const dials = a.domus.core.counters.dialAttempts + b.domus.core.counters.dialAttempts;
  const sent = a.send(b, 7, 'again');
  assert.ok(scenario.driveUntil(() => sent.state !== 'pending'));
  assert.equal(sent.state, 'accepted');
  assert.equal(a.domus.core.counters.dialAttempts + b.domus.core.counters.dialAttempts, dials);
});

test('[a1-keep-6] a primary whose answer was never confirmed is given up when the other is there', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 2000 } });
  const { a, b } = scenario;
  b.serve(7);
  a.serve(7);
  // The hello-response of b is lost on its way, and all that follows it.
  a.send(b, 7, 'first');
  assert.ok(scenario.driveUntil(() => b.knows(a) && b.session(a).outlet !== undefined));
  const end = scenario.ends(b, a).find(({ party }) => party.index === 1)!;
  end.outward.dark = true;
  end.inward.dark = true;
  assert.equal(b.session(a).isShared, true);
  const sent = b.send(a, 7, 'back');
  assert.ok(scenario.driveUntil(() => sent.state !== 'pending', 29_000));
  // The peer may have taken it in a life of the session that it never learned of.
  assert.equal(sent.failure?.kind, 'peer-restarted');
  const next = b.send(a, 7, 'again');
  assert.ok(scenario.driveUntil(() => next.state !== 'pending', 1000));
  assert.equal(next.state, 'accepted');
});
