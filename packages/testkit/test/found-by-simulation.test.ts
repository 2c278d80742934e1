/** What the simulator found, each as the shortest scenario that shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobOwner, InboundBlob, OutboundBlob } from '@flaminia/delivery-a1/internal';
import { Entry } from '../src/sim/entry.ts';
import { type Pair, type Place, pair } from '../src/sim/pair.ts';

/** A callis that has lived so long is redialled at once when it is lost. */
const SETTLED_MS = 1100;

const HELLO = 1;
const HELLO_RESPONSE = 2;
const KEEPALIVE = 3;
const RECONNECT = 2;
const ORDER = 0x0100_0000;

test('a primary whose answers come on another one is not silent at its next message', () => {
  const scenario = pair({ settings: { keepaliveIntervalMs: 0, sendTimeoutMs: 60_000 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  a.serve(8);
  a.send(b, 7, 'first');
  b.send(a, 8, 'crossing');
  scenario.drive(20);
  b.take(shelf)!.accept();
  scenario.drive(40_000);
  const second = a.send(b, 7, 'second');
  scenario.drive(1000);
  assert.equal(a.events('primary-callis-disconnected').length, 0);
  b.take(shelf)!.accept();
  scenario.drive(20);
  assert.equal(second.state, 'accepted');
});

test('a message that is too large shows that its sender holds the session', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.serve(7);
  a.send(b, 7, 'order');
  scenario.drive(SETTLED_MS);
  scenario.crash(b);
  scenario.start(b, { maxPayloadLen: 4000 });
  b.serve(7);
  scenario.drive(SETTLED_MS);
  const large = a.send(b, 7, new Uint8Array(5000));
  scenario.drive(SETTLED_MS);
  assert.equal(large.failure?.kind, 'protocol-violation');
  assert.equal(b.events('peer-session-restarted').length, 0, 'the session goes on over the next connection');
  assert.equal(a.events('peer-session-restarted').length, 1, 'since b has started anew');
});

test('a connection whose hello an old life has answered does not join the next one', () => {
  const scenario = pair();
  const { a, b } = scenario;
  b.shelve(7);
  a.shelve(8);
  a.send(b, 7, 'order');
  b.send(a, 8, 'crossing');
  assert.ok(
    scenario.driveUntil(() => scenario.wire.length === 2),
    'both hellos are on their way',
  );
  // The answer to the hello of `a` is on its way for long; that of `b` is up meanwhile.
  scenario.delay(b, a, 300);
  scenario.drive(4);
  scenario.crash(b);
  scenario.delay(b, a, 1);
  scenario.start(b);
  b.send(a, 8, 'anew');
  scenario.drive(20);
  assert.equal(a.events('peer-session-restarted').length, 1);
  scenario.drive(400);
  assert.equal(a.events('primary-callis-connected').filter(({ dialled }) => dialled).length, 0);
});

test('[a1-call-10] a dial that comes up beside another primary says no hello, which might overtake an answer', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  a.shelve(7);
  raw.dial(a.index);
  assert.ok(scenario.driveUntil(() => raw.ends.length === 1));
  const order = a.send(b, 9, 'its dial begins before the session does');
  raw.write([{ type: HELLO }, { type: ORDER, id: 5, dst: 7, payload: Buffer.from('order') }]);
  scenario.drive(SETTLED_MS);
  assert.equal(raw.ends.length, 2);
  assert.deepEqual(scenario.frames(a, b, 'hello #'), []);
  assert.deepEqual(scenario.frames(a, b, 'hello RECONNECT'), []);
  // The peer has forgotten all; its plain answer is a restart.
  raw.hangUp(raw.ends[0]);
  scenario.drive(SETTLED_MS);
  assert.equal(scenario.frames(a, b, 'hello RECONNECT').length, 1);
  assert.equal(a.events('peer-session-restarted').length, 1);
  assert.equal(order.failure?.kind, 'peer-restarted');
});

test('[a1-call-11] a plain hello beside a primary that came up since and is lost again is refused, and the next one is a restart', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.answersHello = false;
  const order = a.send(b, 9, 'order');
  raw.dial(a.index);
  assert.ok(scenario.driveUntil(() => raw.ends.length === 2 && scenario.frames(a, b, 'hello').length === 1));
  const dialled = raw.ends.find((end) => end === end.connection.listener)!;
  const other = raw.ends.find((end) => end !== dialled)!;
  raw.write([{ type: HELLO_RESPONSE }], dialled);
  assert.ok(scenario.driveUntil(() => scenario.frames(a, b, 'A3').length === 1));
  raw.hangUp(dialled);
  raw.write([{ type: HELLO }], other);
  scenario.drive(20);
  assert.equal(scenario.frames(a, b, 'peer-unavailable').length, 1);
  assert.equal(order.state, 'pending');
  raw.dial(a.index);
  scenario.drive(10);
  raw.write([{ type: HELLO }]);
  scenario.drive(20);
  assert.equal(a.events('peer-session-restarted').length, 1);
  assert.equal(order.failure?.kind, 'peer-restarted');
});

for (const shown of ['before', 'after'] as const) {
  test(`[a1-call-11] the late answer of a life that is over does not hide that its peer has restarted: shown to hold the session ${shown} the new dial`, () => {
    const scenario = pair();
    const { a, b } = scenario;
    const raw = scenario.raw(b);
    raw.answersHello = false;
    const order = a.send(b, 9, 'order');
    assert.ok(scenario.driveUntil(() => raw.ends.length === 1 && scenario.frames(a, b, 'hello').length === 1));
    const [dialled] = raw.ends;
    // The first life comes to hold the session, and takes the order.
    raw.dial(a.index);
    scenario.drive(10);
    const first = raw.ends.at(-1)!;
    raw.write([{ type: HELLO }], first);
    scenario.drive(10);
    assert.equal(scenario.frames(a, b, 'A3').length, 1);
    // The second dials, and then comes what the first had answered.
    if (shown === 'after') raw.dial(a.index);
    scenario.drive(10);
    raw.write([{ type: KEEPALIVE }], first);
    scenario.drive(10);
    if (shown === 'before') raw.dial(a.index);
    scenario.drive(10);
    raw.write([{ type: HELLO_RESPONSE }], dialled);
    scenario.drive(10);
    raw.hangUp(first);
    scenario.drive(10);
    assert.equal(a.events('primary-callis-connected').length, 2);
    raw.write([{ type: HELLO }]);
    scenario.drive(20);
    assert.equal(a.events('peer-session-restarted').length, 1);
    assert.equal(order.failure?.kind, 'peer-restarted');
  });
}

test('[a1-call-18] an answer to a plain hello, behind another primary that came up and was lost, is that of no life: the next dial asks', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.answersHello = false;
  const order = a.send(b, 9, 'order');
  const shelf = a.shelve(7);
  assert.ok(scenario.driveUntil(() => raw.ends.length === 1 && scenario.frames(a, b, 'hello').length === 1));
  const [dialled] = raw.ends;
  // The next life of the peer dials, takes the order, and gives a message of its own the id that one of the life before had.
  raw.dial(a.index);
  scenario.drive(10);
  const next = raw.ends.at(-1)!;
  raw.write([{ type: HELLO }, { type: ORDER, id: 5, dst: 7, payload: Buffer.from('new') }], next);
  scenario.drive(10);
  raw.hangUp(next);
  scenario.drive(10);
  raw.write([{ type: HELLO_RESPONSE }, { type: ORDER, id: 6, dst: 7, payload: Buffer.from('old') }], dialled);
  assert.ok(scenario.driveUntil(() => scenario.frames(a, b, 'hello RECONNECT').length === 1));
  assert.equal(a.events('primary-callis-connected').length, 1);
  assert.notEqual(a.take(shelf), undefined);
  assert.equal(a.take(shelf), undefined);
  assert.equal(order.state, 'pending');
  raw.write([{ type: HELLO_RESPONSE, flags: RECONNECT }]);
  scenario.drive(10);
  assert.equal(a.events('peer-session-restarted').length, 0);
  assert.equal(scenario.frames(a, b, 'A3').length, 2);
});

test('a stream whose id is 0 is given up with a word to its other end', () => {
  const scenario = pair({ firstId: 0xffff_ffff });
  const { a, b } = scenario;
  b.serve(6);
  a.send(b, 6, 'takes the last id');
  const { outbound, inbound } = openStream(scenario, a, b);
  assert.equal(inbound.id, 0);
  outbound.abort({ kind: 'peer-unavailable', text: '', delivery: 'unknown', cause: undefined }, a.domus.now());
  a.domus.endTurn();
  scenario.drive(20);
  assert.equal(inbound.failure?.detail, 'stream-aborted');
});

test('acks that a lost connection may have carried are said again', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const { outbound, inbound } = openStream(scenario, a, b);
  outbound.write(new Uint8Array(10), 0, 10, a.domus.now());
  outbound.flush(a.domus.now());
  a.domus.endTurn();
  scenario.drive(30);
  inbound.read(b.domus.now());
  inbound.read(b.domus.now());
  b.domus.endTurn();
  scenario.drive(30);
  const acks = (): number => scenario.frames(b, a, 'ack').length;
  const before = acks();
  inbound.hadSeveralCalles = true;
  for (const end of scenario.ends(a, b).filter(({ callis }) => callis!.blob !== undefined))
    end.party.ended(end, 'reset');
  scenario.drive(30);
  assert.equal(acks(), before + 1);
});

test('[a1-bsend-19] a stream that can have no blob callis any more fails, and keeps nothing', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const { outbound } = openStream(scenario, a, b);
  a.domus.updateSettings({ ...a.domus.core.settings, maxParallelCallisPerPeer: 1 });
  b.domus.updateSettings({ ...b.domus.core.settings, maxParallelCallisPerPeer: 1, sendTimeoutMs: 60_000 });
  const [lost] = a.session(b).blobs!.calles;
  const end = scenario.ends(a, b).find(({ callis }) => callis === lost)!;
  for (const each of [end, end.other]) each.party.ended(each, 'connection reset');
  scenario.drive(20);
  assert.equal(outbound.state, 'open');
  assert.ok(scenario.driveUntil(() => outbound.isOver, 61_000));
  assert.equal(outbound.failure?.kind, 'peer-unavailable');
  assert.equal(a.domus.core.blobsOut.reserved, 0);
});

/** A stream from one place to another that has opened. */
function openStream(scenario: Pair, from: Place, to: Place): { outbound: OutboundBlob; inbound: InboundBlob } {
  let inbound: InboundBlob | undefined;
  const nobody: BlobOwner = { moved: () => {} };
  to.serve(7, ({ taken, accept }) => {
    inbound = taken.blob;
    inbound!.owner = nobody;
    accept();
  });
  const { domus } = from;
  const ledger = { settled: () => {} };
  const deadline = domus.now() + 30_000;
  const entry = new Entry(0, from.index, to.address, 'a3', 0, 7, 0x0100_0000, new Uint8Array(1), deadline, ledger);
  const outbound = domus.core.newBlob(nobody);
  domus.sendBlob(entry, outbound);
  assert.ok(scenario.driveUntil(() => outbound.state === 'open', 1000));
  return { outbound, inbound: inbound! };
}
