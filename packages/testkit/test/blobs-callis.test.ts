/** The blob callis: who dials it and when, its hello exchange, and its loss. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersPayload } from '../src/sim/raw-peer.ts';
import {
  ACK,
  blobCalles,
  blobHello,
  CHUNK,
  cutBlobs,
  ERROR,
  FIRST_ID,
  MESSAGE,
  opened,
  RESPONSE,
  rawReceiver,
  rawSender,
  rawStream,
  reserved,
  short,
  smallPair,
} from './blob-bench.ts';

test('[a1-bcal-2] the agreed numbers are the lesser of both sides, in each by itself', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  scenario.crash(b);
  scenario.start(b, { blobChunkBytes: 8, blobWindow: 2, blobInboundBufferBytes: 64 });
  const streams = b.serveBlobs(7);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  assert.deepEqual(short(scenario.frames(b, a, 'hello BLOB')), ['b>a hello BLOB 8 x 2']);
  assert.deepEqual(short(scenario.frames(a, b, 'hello-response BLOB')), ['a>b hello-response BLOB 4 x 2']);
  for (const { numbers } of [writer.blob, streams[0]!.blob]) assert.deepEqual(numbers, { chunkBytes: 4, window: 2 });
  assert.deepEqual(reserved(a, b), [16, 0, 0, 16]);
  const [event] = a.events('blob-callis-connected');
  assert.deepEqual([event?.chunkBytes, event?.window, event?.dialled], [4, 2, false]);
});

test('[cfg-9] a proposed chunk is cut to maxPayloadLen − 18', () => {
  const scenario = smallPair({
    settings: {
      maxPayloadLen: 100,
      blobChunkBytes: 4096,
      blobOutboundBufferBytes: 65_536,
      blobInboundBufferBytes: 65_536,
    },
  });
  const { a, b } = scenario;
  const [stream] = [b.serveBlobs(7, true)];
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  assert.deepEqual(short(scenario.frames(b, a, 'hello BLOB')), ['b>a hello BLOB 82 x 4']);
  writer.pour('x'.repeat(1000));
  scenario.drive(200);
  assert.equal(writer.state, 'ended');
  assert.equal(stream[0]!.bytes.length, 1000);
});

test('[a1-bcal-2] [cfg-12] new settings count for the first blob callis after the last one and its streams', () => {
  const { scenario, a, b, writer, reader, streams } = opened({
    settings: { blobOutboundBufferBytes: 1024, blobInboundBufferBytes: 1024 },
  });
  for (const place of [a, b]) {
    place.domus.updateSettings({ ...place.domus.core.settings, blobChunkBytes: 8, blobWindow: 2 });
  }
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(20);
  assert.deepEqual(second.blob.numbers, { chunkBytes: 4, window: 4 }, 'a blob callis is up');
  scenario.drive(1000);
  cutBlobs(scenario);
  scenario.drive(1200);
  assert.deepEqual([writer.state, second.state], ['open', 'open'], 'streams live, and keep their numbers');
  reader.leave();
  streams[1]!.leave();
  scenario.drive(20);
  cutBlobs(scenario);
  scenario.drive(20);
  const third = a.sendBlob(b, 7, 'third');
  scenario.drive(50);
  assert.deepEqual(third.blob.numbers, { chunkBytes: 8, window: 2 });
});

test('[a1-bcal-20] a lower maxPayloadLen does not break the streams that are open', () => {
  const { scenario, b, writer, reader } = opened();
  b.domus.updateSettings({ ...b.domus.core.settings, maxPayloadLen: 20 });
  reader.isGreedy = true;
  writer.pour('0123456789');
  scenario.drive(50);
  assert.deepEqual([reader.text, writer.state], ['0123456789', 'ended']);
  assert.equal(b.domus.core.counters.protocolViolations, 0);
});

test('[a1-bcal-3] [a1-bcal-10] [a1-bcal-11] a lost blob callis is dialled again by both sides, with RECONNECT', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  const from = scenario.wire.length;
  cutBlobs(scenario);
  scenario.drive(20);
  assert.deepEqual(short(scenario.wire.slice(from)).sort(), [
    'a>b hello BLOB RECONNECT 4 x 4',
    'a>b hello-response BLOB RECONNECT 4 x 4',
    'b>a hello BLOB RECONNECT 4 x 4',
    'b>a hello-response BLOB RECONNECT 4 x 4',
  ]);
  assert.equal(blobCalles(a, b).length, 2);
  writer.pour('0123456789');
  reader.isGreedy = true;
  scenario.drive(100);
  assert.deepEqual([writer.state, reader.text], ['ended', '0123456789']);
});

test('[a1-bcal-3] without a stream nobody dials a lost blob callis again', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.pour('');
  reader.isGreedy = true;
  scenario.drive(1000);
  cutBlobs(scenario);
  scenario.drive(10_000);
  assert.equal(blobCalles(a, b).length, 0);
  const next = a.sendBlob(b, 7, 'next');
  scenario.drive(50);
  assert.equal(next.state, 'open');
  assert.deepEqual(short(scenario.frames(b, a, 'hello BLOB RECONNECT')), ['b>a hello BLOB RECONNECT 4 x 4']);
  assert.equal(scenario.frames(a, b, 'hello BLOB').length, 0, 'the receiver alone dials');
});

test('[a1-bcal-4] one blob dial is under way, and failed ones are repeated after reconnectBackoff', () => {
  const { scenario, a, b } = opened();
  scenario.drive(1000);
  const before = a.domus.core.counters.dialAttempts;
  a.domus.isListening = false;
  b.domus.isListening = false;
  cutBlobs(scenario);
  const start = scenario.elapsedMs;
  const dials: number[] = [];
  scenario.driveUntil(() => {
    if (a.domus.core.counters.dialAttempts > before + dials.length)
      dials.push(Math.round((scenario.elapsedMs - start) / 100) / 10);
    return dials.length === 5;
  }, 20_000);
  assert.deepEqual(dials, [0, 1, 3, 7, 11]);
  assert.equal(a.session(b).outlet?.phase, 'active');
});

test('[a1-bcal-4] without a primary no blob callis is dialled; the primary comes first', () => {
  const { scenario, a, b, writer } = opened();
  scenario.drive(1000);
  const from = scenario.wire.length;
  scenario.cut();
  scenario.drive(2000);
  const lines = short(scenario.wire.slice(from));
  const primary = lines.findIndex((line) => line.includes('hello-response RECONNECT'));
  const blob = lines.findIndex((line) => line.includes('hello BLOB'));
  assert.ok(primary >= 0 && blob > primary, lines.join('\n'));
  assert.equal(writer.state, 'open');
  assert.ok(blobCalles(a, b).length > 0);
});

test('[a1-bcal-5] [a1-bsend-10] several blob calles carry one stream', () => {
  const { scenario, a, b, writer, reader } = opened({
    settings: { blobWindow: 16, blobOutboundBufferBytes: 128, blobInboundBufferBytes: 128 },
  });
  scenario.drive(1000);
  cutBlobs(scenario);
  scenario.drive(50);
  assert.equal(blobCalles(a, b).length, 2);
  reader.isGreedy = true;
  // The first is full, so the second takes over.
  const [first, second] = blobCalles(a, b);
  const ends = [first!, second!].map((callis) => scenario.ends(a, b).find((end) => end.callis === callis)!);
  first!.isBlocked = true;
  writer.write('0123456789ab');
  first!.isBlocked = false;
  writer.pour('cdef');
  scenario.drive(50);
  assert.equal(reader.text, '0123456789abcdef');
  for (const end of ends) assert.ok(end.outward.written > 100, 'both have carried chunks');
});

test('[a1-bcal-6] a blob hello without an active primary is answered with error 13, and ends', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ ...blobHello(), id: 3 }]);
  scenario.drive(10);
  assert.match(raw.read[0]!, /^error #3 blob-callis-without-primary/);
  assert.equal(raw.read[1], 'end');
  scenario.drive(2000);
  assert.equal(b.knows(a), false);
});

test('[a1-bcal-6] the dialler takes error 13 for a failed dial, and tries again', () => {
  const { scenario, a, b, raw, blobEnd } = rawReceiver();
  raw.answersHello = false;
  raw.hangUp(blobEnd);
  scenario.drive(20);
  raw.write([{ type: ERROR, payload: Buffer.from([0, 0, 0, 13]) }]);
  scenario.drive(20);
  const failed = a.events('peer-dial-failed').at(-1);
  assert.equal(failed?.callis, 'blob');
  assert.match(String(failed?.error), /blob-callis-without-primary/);
  raw.answersHello = true;
  scenario.drive(2000);
  assert.equal(blobCalles(a, b).length, 1);
});

test('[a1-bcal-7] [a1-log-3] at the callis limit a blob hello is answered with error 3', () => {
  const { scenario, raw, b } = rawSender({ settings: { maxParallelCallisPerPeer: 1 } });
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  assert.match(raw.read[0]!, /^error #0 peer-unavailable/);
  assert.equal(raw.read[1], 'end');
  assert.equal(b.events('limited-log').filter(({ id }) => id === 1003).length, 1);
});

test('[a1-bcal-19] at the callis limit RECONNECT ends the blob callis that was silent longest, never the only primary', () => {
  const { scenario, raw, a, b, reader } = rawStream({ settings: { maxParallelCallisPerPeer: 2 } });
  const [old] = blobCalles(b, a);
  scenario.drive(100);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello(4, 4, 3)]);
  scenario.drive(10);
  assert.deepEqual(short(raw.read).sort(), ['end', 'hello-response BLOB RECONNECT 4 x 4']);
  assert.equal(old!.phase, 'ended');
  assert.equal(b.session(a).outlet?.phase, 'active');
  assert.equal(reader.state, 'open');
});

test('[a1-bcal-8] no keepalive is written on a blob callis', () => {
  const { scenario, a, b } = opened({ settings: { keepaliveIntervalMs: 1000 } });
  scenario.drive(20_000);
  const blobs = [...blobCalles(a, b), ...blobCalles(b, a)];
  assert.equal(blobs.length, 2);
  assert.ok(scenario.frames(a, b, 'keepalive').length >= 19);
  for (const callis of blobs) assert.ok(callis.lastWriteAt < callis.activeSince + 100);
});

test('[a1-bcal-9] the loss of a blob callis does not touch the primary', () => {
  const { scenario, a, b } = opened();
  b.serve(8);
  const { outlet } = a.session(b);
  cutBlobs(scenario);
  const sent = a.send(b, 8, 'order');
  scenario.drive(10);
  assert.equal(sent.state, 'accepted');
  assert.equal(a.session(b).outlet, outlet);
});

test('[a1-bcal-16] without a sign of the peer the first chunk waits 20 ms', () => {
  const { scenario, raw, writer } = reopened();
  writer.write('0123');
  writer.flush();
  scenario.drive(17);
  assert.equal(chunksIn(raw.read), 0);
  scenario.drive(6);
  assert.equal(chunksIn(raw.read), 1);
});

test('[a1-bcal-16] a frame on the new blob callis is a sign', () => {
  const { scenario, raw, writer, blobEnd } = reopened();
  writer.write('0123');
  writer.flush();
  raw.write([{ type: ACK, id: 1 }], blobEnd);
  scenario.drive(3);
  assert.equal(chunksIn(raw.read), 1);
});

test('[a1-bcal-16] an ack of a blob message is a sign', () => {
  const { scenario, raw, writer, primaryEnd, a, b } = reopened();
  writer.write('0123');
  writer.flush();
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(3);
  assert.equal(chunksIn(raw.read), 0);
  raw.write([{ type: ACK, id: FIRST_ID + 1 }], primaryEnd);
  scenario.drive(3);
  assert.equal(second.state, 'open');
  assert.equal(chunksIn(raw.read), 1);
});

/** An open stream whose blob callis was lost, and a new one that has just come up. */
function reopened(): ReturnType<typeof rawReceiver> {
  const bench = rawReceiver({ settings: { blobOutboundBufferBytes: 64 } });
  const { scenario, raw, a, b } = bench;
  raw.answersHello = false;
  raw.hangUp(bench.blobEnd);
  scenario.drive(20);
  raw.write([{ type: RESPONSE, flags: 3, payload: numbersPayload(4, 4) }]);
  assert.ok(scenario.driveUntil(() => blobCalles(a, b).length === 1));
  return { ...bench, blobEnd: raw.ends.at(-1)! };
}

function chunksIn(lines: readonly string[]): number {
  return lines.filter((line) => line.includes('chunk')).length;
}

test('[a1-bcal-17] a blob callis with other numbers fails the streams of before with peer-restarted', () => {
  const { scenario, raw, a, writer, blobEnd } = rawReceiver();
  raw.answersHello = false;
  raw.hangUp(blobEnd);
  scenario.drive(20);
  raw.write([{ type: RESPONSE, flags: 3, payload: numbersPayload(4, 2) }]);
  scenario.drive(10);
  assert.equal(writer.failure?.kind, 'peer-restarted');
  assert.deepEqual(a.reserved, [0, 0]);
});

for (const [name, frame] of Object.entries({
  '[a1-type-9] a message': { type: MESSAGE, id: 6, dst: 7 },
  '[a1-type-6] a second hello': blobHello(),
  '[a1-type-6] a hello-response': { type: RESPONSE, flags: 1, payload: numbersPayload(4, 4) },
  '[a1-pay-5] an ack with a payload': { type: ACK, id: 1, payload: Buffer.alloc(1) },
  '[a1-pay-5] a complete of 3 bytes': { type: 9, id: 1, payload: Buffer.alloc(3) },
  '[a1-wire-9] a chunk with a flag': { type: CHUNK, id: 1, flags: 1, payload: Buffer.alloc(18) },
  '[a1-pay-5] a keepalive with a payload': { type: 3, payload: Buffer.alloc(1) },
})) {
  test(`[a1-bcal-18] ${name} on a blob callis ends it alone`, () => {
    const { scenario, raw, a, b, reader } = rawStream();
    raw.answersHello = false;
    raw.write([frame]);
    scenario.drive(10);
    assert.equal(raw.read[0], 'end');
    assert.equal(b.domus.core.counters.protocolViolations, 1);
    assert.equal(b.events('blob-callis-disconnected')[0]?.reason, 'protocol-violation');
    assert.equal(b.session(a).outlet?.phase, 'active');
    assert.equal(reader.state, 'open');
    assert.deepEqual(b.seen, ['']);
  });
}

test('[a1-bcal-18] a keepalive on a blob callis is taken, a close ends the session', () => {
  const { scenario, raw, a, b, reader } = rawStream();
  raw.write([{ type: 3 }]);
  scenario.drive(10);
  assert.equal(blobCalles(b, a).length, 1);
  raw.write([{ type: 5 }]);
  scenario.drive(10);
  assert.equal(b.knows(a), false);
  assert.equal(reader.failure?.kind, 'peer-unavailable');
  assert.deepEqual(b.reserved, [0, 0]);
});
