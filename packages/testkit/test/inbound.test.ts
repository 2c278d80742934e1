/** Arriving messages: destinations, ingress, decisions, slow tabernae, oversized messages, and ends of tabernae. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pair } from '../src/sim/pair.ts';
import { errorPayload } from '../src/sim/raw-peer.ts';
import { crossing } from './crossing.ts';

test('[a1-in-3] [a1-in-6] [a1-in-7] [a1-inv-2] an answer says what became of the message', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const unknown = a.send(b, 9, 'nobody');
  const [one, two] = [a.send(b, 7, 'one'), a.send(b, 7, 'two')];
  scenario.drive(20);
  assert.equal(unknown.failure?.kind, 'unknown-taberna');
  assert.equal(scenario.frames(b, a, 'ack').length, 0, 'no ack before the handler has accepted');
  b.take(shelf)!.accept();
  b.take(shelf)!.reject();
  scenario.drive(20);
  assert.equal(one.state, 'accepted');
  assert.equal(two.failure?.kind, 'remote-taberna-rejected');
});

test('[a1-in-4] [a1-in-13] [a1-err-4] a full ingress is busy at once; one message always fits its bytes', () => {
  const scenario = pair({ settings: { tabernaAcceptQueueSize: 2, tabernaAcceptQueueBytes: 10 } });
  const { a, b } = scenario;
  b.shelve(7);
  b.shelve(8);
  const byCount = ['1', '2', '3'].map((text) => a.send(b, 7, text));
  const byBytes = ['x'.repeat(50), 'y'].map((text) => a.send(b, 8, text));
  scenario.drive(20);
  assert.deepEqual(
    byCount.map((entry) => entry.failure?.kind),
    [undefined, undefined, 'taberna-busy'],
  );
  assert.deepEqual(
    byBytes.map((entry) => entry.failure?.kind),
    [undefined, 'taberna-busy'],
  );
  assert.equal(b.events('backpressure-triggered').length, 2);
});

test('[a1-in-8] a request that nobody takes within acceptTimeout is busy; a taken one has until the deadline', () => {
  const scenario = pair({ settings: { acceptTimeoutMs: 1000 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const [taken, ignored] = [a.send(b, 7, 'taken'), a.send(b, 7, 'ignored')];
  scenario.drive(20);
  const request = b.take(shelf)!;
  scenario.drive(970);
  assert.equal(ignored.state, 'pending');
  scenario.drive(40);
  assert.equal(ignored.failure?.kind, 'taberna-busy');
  assert.equal(b.take(shelf), undefined, 'the handler never sees it');
  scenario.drive(20_000);
  request.accept();
  scenario.drive(20);
  assert.equal(taken.state, 'accepted');
});

test('[a1-in-9] [a1-err-8] a taberna that closes answers what waits with taberna-shutdown', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const sent = a.send(b, 7, 'order');
  scenario.drive(20);
  b.domus.core.unregister(shelf, 26, b.domus.now());
  b.domus.endTurn();
  scenario.drive(20);
  assert.equal(sent.failure?.kind, 'taberna-shutdown');
  const later = a.send(b, 7, 'order');
  scenario.drive(20);
  assert.equal(later.failure?.kind, 'unknown-taberna');
});

test('[a1-in-1] [a1-in-14] [a1-inv-7] a taberna that nobody reads delays neither another nor the answers', () => {
  const scenario = pair({ settings: { tabernaAcceptQueueSize: 4 } });
  const { a, b } = scenario;
  b.shelve(7);
  b.serve(8);
  a.serve(9);
  for (let i = 0; i < 10; i++) a.send(b, 7, 'ignored');
  const other = a.send(b, 8, 'order');
  const back = b.send(a, 9, 'answer me');
  scenario.drive(20);
  assert.equal(other.state, 'accepted');
  assert.equal(back.state, 'accepted');
});

test('[a1-in-15] an answer goes out on another primary when the one that carried the message is gone', () => {
  const { scenario, sent, accept, carrier } = crossing();
  carrier.other.party.ended(carrier.other, 'connection reset');
  accept();
  scenario.drive(2);
  assert.equal(sent.state, 'accepted');
});

test('[a1-in-16] after the teardown of a peer nothing is answered any more', () => {
  const scenario = pair({ settings: { sendTimeoutMs: 2000, callisConnectTimeoutMs: 1000 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  a.send(b, 7, 'taken');
  a.send(b, 7, 'queued');
  scenario.drive(20);
  const request = b.take(shelf)!;
  scenario.crash(a);
  scenario.drive(2100);
  assert.equal(b.knows(a), false);
  assert.equal(b.take(shelf), undefined, 'what was queued is gone with the peer');
  assert.equal(request.accept(), false);
  scenario.start(a);
  scenario.drive(10_000);
  assert.equal(scenario.frames(b, a, 'ack').length, 0);
});

test('[a1-in-2] [a1-wire-8] [case-87] an oversized message is answered by its id; then this side ends and discards', () => {
  const scenario = pair({ settings: { maxPayloadLen: 100 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  b.serve(7);
  raw.dial(b.index);
  scenario.drive(20);
  raw.write([{ type: 1 }]);
  raw.write([
    { type: 0x0100_0000, id: 1, dst: 7, payload: Buffer.alloc(100) },
    { type: 0x0100_0000, id: 2, dst: 7, payloadLength: 101 },
  ]);
  scenario.drive(20);
  raw.write([{ type: 0x0100_0000, id: 3, dst: 7 }]);
  scenario.drive(900);
  assert.match(raw.read[1]!, /^error #2 protocol-violation/);
  assert.deepEqual(raw.read.slice(2), ['end']);
  assert.equal(b.seen.length, 1);
  assert.equal(b.session(a).answers.inbox.stateOf(3), 'unknown', 'what came behind it was discarded');
});

test('[a1-in-2] the side that ended waits a second at most for the end of the peer', () => {
  const scenario = pair({ settings: { maxPayloadLen: 100 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  raw.ended = () => {};
  raw.dial(b.index);
  scenario.drive(20);
  raw.write([{ type: 1 }, { type: 0x0100_0000, id: 2, dst: 7, payloadLength: 101 }]);
  scenario.drive(900);
  assert.deepEqual(
    b.session(a).calles.map((callis) => callis.phase),
    ['leaving'],
  );
  scenario.drive(200);
  assert.equal(b.session(a).calles.length, 0);
});

test('[a1-in-2] the sender of an oversized message learns why, and its session goes on', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.domus.updateSettings({ ...scenario.settings, maxPayloadLen: 100 });
  b.serve(7);
  const fits = a.send(b, 7, 'x'.repeat(100));
  scenario.drive(20);
  const large = a.send(b, 7, 'x'.repeat(101));
  const after = a.send(b, 7, 'after');
  scenario.drive(3000);
  assert.equal(fits.state, 'accepted');
  assert.equal(large.failure?.kind, 'protocol-violation');
  assert.equal(after.state, 'accepted');
  assert.equal(a.events('peer-session-restarted').length, 0);
});

/** The error ids of the wire, from 1 on. */
const WIRE_KINDS = [
  ...['unknown-taberna', 'local-queue-full', 'peer-unavailable', 'remote-taberna-rejected', 'connection-lost'],
  ...['peer-restarted', 'protocol-violation', 'unsupported-version', 'encode-failure', 'decode-failure'],
  ...['taberna-busy', 'send-timeout', 'blob-callis-without-primary', 'blob-ack-window-exceeded'],
  ...['blob-stream-not-found', 'blob-stream-out-of-order', 'blob-stream-idle-timeout', 'blob-stream-missing-chunk'],
  ...['blob-buffer-full', 'address-mismatch', 'taberna-already-registered', 'invalid-config', 'domus-closed'],
  ...['receive-timeout', 'snapshot-not-available', 'taberna-shutdown'],
];

test('[a1-err-1] each of the 26 error ids on the wire fails the send with its kind', () => {
  const first = 0x8000_0001;
  const scenario = pair({ firstId: first });
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  const sends = WIRE_KINDS.map((kind) => a.send(b, 7, kind));
  scenario.drive(20);
  raw.write(sends.map((_, i) => ({ type: 6, id: first + i, payload: errorPayload(i + 1) })));
  scenario.drive(20);
  assert.equal(sends.length, 26);
  assert.deepEqual(
    sends.map((entry) => entry.failure?.kind),
    WIRE_KINDS,
  );
});

test('[a1-type-7] [a1-pay-8] an answer counts on whichever callis it comes, and only its number decides', () => {
  const scenario = pair({ firstId: 0x8000_0001 });
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.dial(a.index);
  scenario.drive(20);
  raw.write([{ type: 1 }]);
  scenario.drive(20);
  const [first, second] = [a.send(b, 7, 'first'), a.send(b, 7, 'second')];
  scenario.drive(20);
  raw.dial(a.index);
  scenario.drive(20);
  raw.write([
    { type: 1, flags: 2 },
    { type: 4, id: 0x8000_0001 },
    { type: 6, id: 0x8000_0002, payload: errorPayload(11, 'UnknownTaberna: no') },
  ]);
  scenario.drive(20);
  assert.equal(raw.ends.length, 2);
  assert.equal(first.state, 'accepted');
  assert.equal(second.failure?.kind, 'taberna-busy');
  assert.match(second.failure!.text, /UnknownTaberna: no/);
});
