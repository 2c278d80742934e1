/** The hello exchange of a blob callis: RECONNECT, contradictions, and first dials of both sides at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersPayload } from '../src/sim/raw-peer.ts';
import {
  ACK,
  blobCalles,
  blobHello,
  FIRST_ID,
  HELLO,
  MESSAGE,
  RESPONSE,
  rawReceiver,
  rawSender,
  rawStream,
  short,
  smallPair,
} from './blob-bench.ts';

test('[a1-bcal-12] a blob callis without RECONNECT in hello and answer fails the streams of before', () => {
  const { scenario, raw, b, reader } = rawStream();
  raw.hangUp();
  scenario.drive(10);
  // The raw peer forgets that there was a blob callis: it dials plainly, and refuses the dial of the other side.
  raw.answersHello = false;
  for (const end of raw.ends.slice(2)) raw.hangUp(end);
  scenario.drive(10);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  assert.equal(reader.failure?.kind, 'peer-restarted');
  assert.deepEqual(b.reserved, [0, 0]);
  assert.ok(short(raw.read).includes('hello-response BLOB 4 x 4'));
});

test('[a1-bcal-12] so does a plain answer to RECONNECT', () => {
  const { scenario, raw, a, writer, blobEnd } = rawReceiver();
  raw.answersHello = false;
  raw.hangUp(blobEnd);
  scenario.drive(20);
  assert.deepEqual(short(raw.read), ['hello BLOB RECONNECT 4 x 4']);
  raw.write([{ type: RESPONSE, flags: 1, payload: numbersPayload(4, 4) }]);
  scenario.drive(10);
  assert.equal(writer.failure?.kind, 'peer-restarted');
  assert.deepEqual(a.reserved, [0, 0]);
});

for (const [moment, afterMs] of [
  ['at once', 0],
  ['after the time that lets chunks leave', 40],
] as const) {
  test(`[a1-bcal-12] a callis that the peer never counted, lost ${moment}, is none: its streams begin with the next one`, () => {
    const { scenario, raw, b, streams } = rawSender();
    const primary = raw.ends[0]!;
    raw.dial(b.index);
    scenario.drive(10);
    raw.write([blobHello()]);
    raw.write([{ type: MESSAGE, flags: 1, id: 5, dst: 7 }], primary);
    scenario.drive(10);
    const reader = streams[0]!;
    assert.equal(reader.state, 'open');
    scenario.drive(afterMs);
    // The connection breaks, and the raw peer has not seen the answer to its hello.
    raw.answersHello = false;
    raw.hangUp(raw.ends.at(-1)!);
    scenario.drive(3);
    raw.dial(b.index);
    scenario.drive(10);
    raw.write([blobHello()]);
    scenario.drive(10);
    assert.deepEqual([reader.state, reader.failure], ['open', undefined]);
  });
}

test('[a1-bcal-12] what shows that the peer counts a callis may have overtaken the answer that begins it', () => {
  const { scenario, raw, a, b, streams } = rawSender();
  const primary = raw.ends[0]!;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  raw.write([{ type: MESSAGE, flags: 1, id: 5, dst: 7 }], primary);
  b.sendBlob(a, 9, 'back');
  scenario.drive(1100);
  const reader = streams[0]!;
  // The raw peer has not seen the answer to its hello. Asked for another, it counts that as the first; but its own is under way too.
  raw.answersHello = false;
  raw.hangUp(raw.ends.at(-1)!);
  scenario.drive(10);
  const asked = raw.ends.at(-1)!;
  assert.ok(short(raw.read).includes('hello BLOB RECONNECT 4 x 4'));
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  assert.equal(blobCalles(b, a).length, 1);
  raw.write([{ type: ACK, id: FIRST_ID }], primary);
  scenario.drive(10);
  raw.write([{ type: RESPONSE, flags: 1, payload: numbersPayload(4, 4) }], asked);
  scenario.drive(10);
  assert.equal(blobCalles(b, a).length, 2);
  assert.deepEqual([reader.state, reader.failure], ['open', undefined]);
});

const contradictions = {
  'RECONNECT in the answer alone': { flags: 3, payload: numbersPayload(4, 4) },
  'a chunk size over the proposal': { flags: 1, payload: numbersPayload(5, 4) },
  'a window over the proposal': { flags: 1, payload: numbersPayload(4, 5) },
  'a chunk size of 0': { flags: 1, payload: numbersPayload(0, 4) },
  'a window of 0': { flags: 1, payload: numbersPayload(4, 0) },
  'an answer without numbers': { flags: 1, payload: Buffer.alloc(0) },
  'an answer without BLOB': { flags: 0, payload: numbersPayload(4, 4) },
} as const;

for (const [name, response] of Object.entries(contradictions)) {
  test(`[a1-bcal-13] ${name} ends the blob callis alone, and the dial has failed`, () => {
    const { scenario, raw, a, b, streams } = rawSender();
    raw.answersHello = false;
    raw.write([{ type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
    scenario.drive(20);
    assert.deepEqual(short(raw.read), ['hello BLOB 4 x 4']);
    raw.write([{ type: RESPONSE, ...response }]);
    scenario.drive(10);
    assert.equal(raw.read.at(-1), 'end');
    assert.equal(b.domus.core.counters.protocolViolations, 1);
    assert.equal(b.events('peer-dial-failed')[0]?.callis, 'blob');
    assert.equal(streams[0]!.state, 'accepted');
    assert.equal(b.session(a).outlet?.phase, 'active');
    raw.answersHello = true;
    scenario.drive(1100);
    assert.equal(streams[0]!.state, 'open', 'the next dial is a plain one again');
  });
}

for (const [name, frame] of Object.entries({
  'a chunk size of 0': blobHello(0, 4),
  'a window of 0': blobHello(4, 0),
  'a hello without numbers': { type: HELLO, flags: 1 },
  'a hello of 7 bytes': { type: HELLO, flags: 1, payload: Buffer.alloc(7, 1) },
})) {
  test(`[a1-bcal-13] ${name} ends the connection, and nothing is said`, () => {
    const { scenario, raw, a, b } = rawSender();
    raw.dial(b.index);
    scenario.drive(10);
    raw.write([frame]);
    scenario.drive(10);
    assert.deepEqual(raw.read, ['end']);
    assert.equal(b.domus.core.counters.protocolViolations, 1);
    assert.equal(b.session(a).outlet?.phase, 'active');
  });
}

test('[a1-bcal-14] a plain blob hello beside an active blob callis ends without a hello-response', () => {
  const { scenario, raw, b, reader } = rawStream();
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  assert.deepEqual(raw.read, ['end']);
  assert.equal(reader.state, 'open');
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello(4, 4, 3)]);
  scenario.drive(10);
  assert.deepEqual(short(raw.read.slice(1)), ['hello-response BLOB RECONNECT 4 x 4']);
});

test('[a1-bcal-14] a plain blob hello that was long on its way does not end the streams of a callis that came up since', () => {
  const { scenario, raw, b, reader } = rawStream();
  const first = raw.ends.at(-1)!;
  raw.dial(b.index);
  scenario.drive(10);
  const late = raw.ends.at(-1)!;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello(4, 4, 3)]);
  scenario.drive(10);
  raw.answersHello = false;
  raw.hangUp();
  raw.hangUp(first);
  scenario.drive(10);
  raw.write([blobHello()], late);
  scenario.drive(10);
  assert.equal(reader.state, 'open');
});

test('[a1-bcal-15] of two first blob dials at once the one of the higher address ends, and both streams live', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  b.serveBlobs(7);
  a.serveBlobs(7);
  const shelfA = a.shelve(8);
  const shelfB = b.shelve(8);
  const [there, back] = [a.sendBlob(b, 8, 'there'), b.sendBlob(a, 8, 'back')];
  scenario.drive(100);
  const [one, other] = [a.take(shelfA)!, b.take(shelfB)!];
  one.accept();
  other.accept();
  scenario.drive(100);
  assert.equal(scenario.frames(a, b, 'hello BLOB').length, 1);
  assert.equal(scenario.frames(b, a, 'hello BLOB').length, 1);
  assert.equal(scenario.frames(a, b, 'hello-response BLOB').length, 0, 'the lower address refuses');
  assert.equal(scenario.frames(b, a, 'hello-response BLOB').length, 1);
  assert.deepEqual([there.state, back.state], ['open', 'open']);
  assert.equal(blobCalles(a, b).length, 1);
  assert.deepEqual(
    a.events('blob-callis-connected').map(({ dialled }) => dialled),
    [true],
  );
});

test('[a1-bcal-15] a plain hello is held while an own one is unanswered, and answered when that has failed', () => {
  const scenario = smallPair();
  // The raw peer stands at the lower address, so that the machine holds.
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  const streams = b.serveBlobs(7);
  raw.answersHello = false;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: HELLO }, { type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
  scenario.drive(20);
  assert.deepEqual(short(raw.read), ['hello-response', 'hello BLOB 4 x 4']);
  const own = raw.ends.at(-1)!;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(100);
  assert.equal(raw.read.length, 2, 'held');
  raw.hangUp(own);
  scenario.drive(10);
  assert.deepEqual(short(raw.read.slice(2)), ['hello-response BLOB 4 x 4', 'ack #5']);
  assert.equal(streams[0]!.state, 'open');
});

test('[a1-bcal-15] a held hello is refused when the own one is answered', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  b.serveBlobs(7);
  raw.answersHello = false;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: HELLO }, { type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
  scenario.drive(20);
  const own = raw.ends.at(-1)!;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  raw.write([{ type: RESPONSE, flags: 1, payload: numbersPayload(4, 4) }], own);
  scenario.drive(10);
  assert.deepEqual(short(raw.read.slice(2)).sort(), ['ack #5', 'end']);
  assert.equal(blobCalles(b, a).length, 1);
});

test('[a1-bcal-15] the lower address refuses at once', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  a.serveBlobs(7);
  raw.answersHello = false;
  raw.dial(a.index);
  scenario.drive(10);
  raw.write([{ type: HELLO }, { type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
  scenario.drive(20);
  raw.dial(a.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  assert.deepEqual(short(raw.read), ['hello-response', 'hello BLOB 4 x 4', 'end']);
});
