/** The sender of a blob stream: chunks and their borders, order and turns, the loss of blob calles, aborts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completePayload, errorPayload } from '../src/sim/raw-peer.ts';
import {
  ACK,
  blobCalles,
  COMPLETE,
  cutBlobs,
  ERROR,
  FIRST_ID,
  opened,
  rawReceiver,
  reserved,
  short,
  smallPair,
} from './blob-bench.ts';

const WIDE = { blobWindow: 64, blobOutboundBufferBytes: 4096, blobInboundBufferBytes: 4096 };

/** The chunks among lines of the wire. */
function chunks(lines: readonly string[]): string[] {
  return short(lines).flatMap((line) => /(?:last )?chunk \d+ of @\d+/.exec(line)?.[0] ?? []);
}

test('[a1-bsend-2] a blob of whole chunks ends with a full LAST_CHUNK, and no empty one', () => {
  const { scenario, a, b, writer } = opened();
  writer.write('01234567');
  scenario.drive(1);
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0'], 'the second may be the last');
  writer.end();
  scenario.drive(10);
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0', 'last chunk 1 of @0']);
  assert.match(scenario.frames(a, b, 'last chunk')[0]!, /\(22 B\)/);
});

test('[a1-bsend-3] an empty blob is one empty LAST_CHUNK', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.pour('');
  reader.isGreedy = true;
  scenario.drive(10);
  assert.deepEqual(short(scenario.frames(a, b, 'chunk')), ['a>b chunk @1 (18 B) last chunk 0 of @0']);
  assert.deepEqual([writer.state, reader.state, reader.blob.isReadOut], ['ended', 'over', true]);
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-bsend-4] a writer that is quiet for 20 ms is heard, be its chunk full or not', () => {
  for (const bytes of ['01', '0123']) {
    const { scenario, a, b, writer, reader } = opened();
    reader.isGreedy = true;
    writer.write(bytes);
    scenario.drive(19);
    assert.equal(scenario.frames(a, b, 'chunk').length, 0);
    scenario.drive(4);
    assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0']);
    assert.equal(reader.text, bytes);
  }
});

test('[a1-bsend-4] a writer that goes on is not quiet, and heard 100 ms after it began', () => {
  const { scenario, a, b, writer } = opened({
    settings: { blobChunkBytes: 8, blobOutboundBufferBytes: 64, blobInboundBufferBytes: 64 },
  });
  for (let i = 0; i < 6; i++) {
    writer.write('x');
    scenario.drive(15);
  }
  assert.equal(scenario.frames(a, b, 'chunk').length, 0);
  writer.write('x');
  scenario.drive(14);
  assert.equal(scenario.frames(a, b, 'chunk').length, 1);
});

test('[a1-bsend-4] [a1-bsend-5] a flush sends what there is at once, and an end behind it is an empty LAST_CHUNK', () => {
  const { scenario, a, b, writer, reader } = opened();
  reader.isGreedy = true;
  writer.write('01');
  writer.flush();
  writer.flush();
  scenario.drive(3);
  assert.equal(reader.text, '01');
  writer.end();
  scenario.drive(3);
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0', 'last chunk 1 of @0']);
  assert.match(scenario.frames(a, b, 'last chunk')[0]!, /\(18 B\)/);
  assert.equal(writer.state, 'ended');
});

test('[a1-bsend-5] an end with a full ring waits for room, and is marked then', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.write('0123456789abcdef');
  writer.flush();
  writer.end();
  scenario.drive(100);
  assert.equal(scenario.frames(a, b, 'chunk').length, 4);
  reader.drain();
  scenario.drive(10);
  assert.deepEqual(chunks(scenario.frames(a, b)).at(-1), 'last chunk 4 of @0');
  assert.equal(writer.state, 'ended');
  assert.equal(reader.text, '0123456789abcdef');
});

test('[a1-bsend-6] [a1-bsend-7] [a1-bsend-8] a write takes what the ring holds, and no id reaches the lowest unanswered + window', () => {
  const { scenario, a, b, raw, writer, blobEnd } = { ...rawReceiver() };
  const text = '0123456789abcdefghijklmnop';
  assert.equal(writer.write(text), 16);
  assert.equal(writer.write(text.slice(16)), 0);
  scenario.drive(100);
  assert.deepEqual(
    chunks(raw.read),
    [0, 1, 2, 3].map((i) => `chunk ${i} of @0`),
  );
  // An ack out of order frees nothing, since the lowest is unanswered.
  raw.write([{ type: ACK, id: FIRST_ID + 2 }], blobEnd);
  scenario.drive(10);
  assert.equal(writer.write(text.slice(16)), 0);
  raw.write([{ type: ACK, id: FIRST_ID + 1 }], blobEnd);
  scenario.drive(10);
  assert.equal(writer.write(text.slice(16)), 8);
  scenario.drive(30);
  assert.deepEqual(chunks(raw.read).slice(4), ['chunk 4 of @0', 'chunk 5 of @0']);
  assert.equal(a.knows(b), true);
});

test('[a1-bsend-6] without a blob callis nothing leaves, and the writer fills its ring', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  a.domus.isListening = false;
  b.domus.isListening = false;
  cutBlobs(scenario);
  writer.pour('0123456789abcdefghij');
  assert.equal(writer.waiting, 4);
  scenario.drive(100);
  assert.equal(scenario.frames(a, b, 'chunk').length, 0);
  a.domus.isListening = true;
  b.domus.isListening = true;
  reader.isGreedy = true;
  scenario.drive(2000);
  assert.equal(reader.text, '0123456789abcdefghij');
});

test('[a1-bsend-9] LAST_CHUNK waits for chunks that are unanswered on another callis', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  cutBlobs(scenario);
  scenario.drive(50);
  const [first, second] = blobCalles(a, b);
  writer.write('0123');
  writer.flush();
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0']);
  // Only the other one takes bytes now: the last chunk must not overtake on it.
  first!.isBlocked = true;
  writer.write('4567');
  writer.end();
  scenario.drive(10);
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0']);
  // Read, and so acked: now it may.
  reader.drain();
  scenario.drive(10);
  assert.deepEqual(chunks(scenario.frames(a, b)), ['chunk 0 of @0', 'last chunk 1 of @0']);
  assert.ok(second!.lastWriteAt > first!.lastWriteAt);
});

test('[a1-bsend-11] acks and completes leave ahead of chunks', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  a.serveBlobs(7, true);
  b.serveBlobs(7);
  const there = a.sendBlob(b, 7, 'there');
  const back = b.sendBlob(a, 7, 'back');
  scenario.drive(100);
  const from = scenario.wire.length;
  const end = scenario.ends(a, b).find(({ callis, party }) => callis?.blob !== undefined && party === a.domus)!;
  end.callis!.isBlocked = true;
  there.write('aaaabbbb');
  back.pour('0123');
  scenario.drive(10);
  assert.equal(short(scenario.wire.slice(from)).filter((line) => line.startsWith('a>b')).length, 0);
  a.domus.drained(end);
  const words = short(scenario.wire.slice(from)).flatMap((line) => /^a>b (\w+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(words, ['ack', 'complete', 'chunk']);
});

test('[a1-bsend-11] chunks that are written again leave ahead of fresh ones', () => {
  const { scenario, raw, writer, blobEnd } = rawReceiver();
  writer.write('01234567');
  writer.flush();
  scenario.drive(10);
  raw.hangUp(blobEnd);
  raw.read.length = 0;
  writer.write('89ab');
  writer.flush();
  scenario.drive(60);
  assert.deepEqual(chunks(raw.read), ['chunk 0 of @0', 'chunk 1 of @0', 'chunk 2 of @0']);
});

test('[a1-bsend-12] streams take turns', () => {
  const KIB = 1024;
  const scenario = smallPair({
    settings: {
      blobChunkBytes: 64 * KIB,
      blobWindow: 16,
      blobOutboundBufferBytes: 8 * 1024 * KIB,
      blobInboundBufferBytes: 8 * 1024 * KIB,
    },
  });
  const { a, b } = scenario;
  const streams = b.serveBlobs(7, true);
  const writers = [0, 1, 2].map((i) => a.sendBlob(b, 7, `file ${i}`));
  scenario.drive(100);
  const callis = blobCalles(a, b)[0]!;
  callis.isBlocked = true;
  for (const writer of writers) writer.pour(Buffer.alloc(512 * KIB, 1));
  a.domus.drained(scenario.ends(a, b).find((end) => end.callis === callis)!);
  scenario.drive(2000);
  const order = chunks(scenario.frames(a, b)).map((line) => line.slice(-1));
  assert.equal(order.length, 24);
  for (let i = 0; i + 6 <= order.length; i += 6)
    assert.equal(new Set(order.slice(i, i + 6)).size, 3, `each has its turn: ${order.join('')}`);
  assert.deepEqual(
    streams.map(({ bytes }) => bytes.length),
    [512 * KIB, 512 * KIB, 512 * KIB],
  );
});

test('[a1-bsend-13] [a1-bsend-1] [a1-bsend-14] what a lost callis carried goes out again, the same bytes under new ids', () => {
  const { scenario, raw, writer, blobEnd } = rawReceiver();
  const seen: Buffer[] = [];
  const { bytes } = raw;
  raw.bytes = (end, chunk) => {
    seen.push(Buffer.from(chunk));
    bytes.call(raw, end, chunk);
  };
  writer.write('0123456789ab');
  scenario.drive(30);
  raw.write([{ type: ACK, id: FIRST_ID + 2 }], blobEnd);
  scenario.drive(10);
  raw.hangUp(blobEnd);
  scenario.drive(60);
  assert.deepEqual(
    short(raw.read).filter((line) => line.startsWith('chunk')),
    [
      'chunk @1 (22 B) chunk 0 of @0',
      'chunk @2 (22 B) chunk 1 of @0',
      'chunk @3 (22 B) chunk 2 of @0',
      'chunk @4 (22 B) chunk 0 of @0',
      'chunk @5 (22 B) chunk 2 of @0',
    ],
  );
  const all = Buffer.concat(seen).toString('latin1');
  for (const text of ['0123', '89ab']) assert.equal(all.split(text).length - 1, 2);
  // A late error for the first attempt is nobody's.
  raw.write([{ type: ERROR, id: FIRST_ID + 1, payload: errorPayload(18) }]);
  scenario.drive(10);
  assert.equal(writer.state, 'open');
});

test('[a1-bsend-13] another active blob callis takes over at once', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  cutBlobs(scenario);
  scenario.drive(50);
  const [first] = blobCalles(a, b);
  writer.write('01234567');
  writer.flush();
  const dials = a.domus.core.counters.dialAttempts;
  scenario.cutCallis(first!);
  reader.isGreedy = true;
  scenario.drive(5);
  assert.equal(reader.text, '01234567');
  assert.equal(a.domus.core.counters.dialAttempts, dials);
});

test('[a1-bsend-15] a sender that is destroyed tells the peer on the blob callis, and frees both reservations', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.write('012345');
  scenario.drive(5);
  writer.abort();
  scenario.drive(5);
  assert.match(short(scenario.frames(a, b)).at(-1)!, /error @0 peer-unavailable/);
  assert.equal(reader.failure?.kind, 'peer-unavailable');
  assert.equal(reader.failure?.detail, 'stream-aborted');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  writer.abort();
  scenario.drive(100_000);
  assert.equal(scenario.frames(a, b, 'error').length, 1);
  assert.equal(a.session(b).blobs!.isEmpty && b.session(a).blobs!.isEmpty, true);
});

test('[a1-bsend-15] without a blob callis the primary carries that', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  a.domus.isListening = false;
  b.domus.isListening = false;
  cutBlobs(scenario);
  writer.abort();
  scenario.drive(5);
  assert.equal(reader.failure?.detail, 'stream-aborted');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-bsend-16] an error for a chunk fails its stream with that kind, and no other', () => {
  const { scenario, raw, a, b, writer, blobEnd, primaryEnd } = rawReceiver();
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(5);
  raw.write([{ type: ACK, id: FIRST_ID + 1 }], primaryEnd);
  scenario.drive(5);
  writer.write('01234567');
  scenario.drive(30);
  raw.write([{ type: ERROR, id: FIRST_ID + 3, payload: errorPayload(14, 'why') }], blobEnd);
  scenario.drive(5);
  assert.deepEqual(
    [writer.failure?.kind, writer.failure?.text, writer.failure?.delivery],
    ['blob-ack-window-exceeded', 'why', 'unknown'],
  );
  assert.equal(second.state, 'open');
  assert.deepEqual(a.reserved, [16, 0]);
});

test('[a1-bsend-17] an error with the id of a stream fails that, on any callis', () => {
  for (const on of ['blobEnd', 'primaryEnd'] as const) {
    const { scenario, raw, a, writer, ...ends } = rawReceiver();
    raw.write([{ type: ERROR, id: FIRST_ID, payload: errorPayload(17) }], ends[on]);
    scenario.drive(5);
    assert.equal(writer.failure?.kind, 'blob-stream-idle-timeout', on);
    assert.deepEqual(a.reserved, [0, 0]);
  }
});

test('[a1-bsend-17] an error that overtakes the ack: given up or idle streams were accepted, all else is a refusal', () => {
  for (const [errorId, delivery] of [
    [3, 'unknown'],
    [17, 'unknown'],
    [4, 'refused'],
    [19, 'refused'],
  ] as const) {
    const { scenario, raw, a, b, primaryEnd } = rawReceiver();
    const asking = a.sendBlob(b, 7, 'second');
    scenario.drive(5);
    raw.write([{ type: ERROR, id: FIRST_ID + 1, payload: errorPayload(errorId) }], primaryEnd);
    scenario.drive(5);
    assert.deepEqual([asking.state, asking.failure?.delivery], ['failed', delivery], `error ${errorId}`);
  }
});

test('[a1-bsend-17] a stream that this side sends comes before one that it receives under the same id', () => {
  const { scenario, raw, a, writer, blobEnd, primaryEnd } = rawReceiver();
  const streams = a.serveBlobs(8);
  raw.write([{ type: 0x0100_0000, flags: 1, id: FIRST_ID, dst: 8 }], primaryEnd);
  scenario.drive(5);
  raw.write([{ type: ERROR, id: FIRST_ID, payload: errorPayload(3) }], blobEnd);
  scenario.drive(5);
  assert.deepEqual([writer.state, streams[0]!.state], ['failed', 'open']);
  raw.write([{ type: ERROR, id: FIRST_ID, payload: errorPayload(3) }], blobEnd);
  scenario.drive(5);
  assert.equal(streams[0]!.failure?.detail, 'stream-aborted');
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-bsend-18] complete before LAST_CHUNK was written is answered protocol-violation, and changes nothing', () => {
  const { scenario, raw, writer, blobEnd } = rawReceiver();
  writer.write('01234567');
  scenario.drive(30);
  raw.read.length = 0;
  raw.write([{ type: COMPLETE, id: 9, payload: completePayload(FIRST_ID) }], blobEnd);
  scenario.drive(5);
  assert.match(raw.read[0]!, /^error #9 protocol-violation/);
  assert.equal(writer.state, 'open');
  writer.end();
  raw.write(
    [
      { type: ACK, id: FIRST_ID + 1 },
      { type: ACK, id: FIRST_ID + 2 },
    ],
    blobEnd,
  );
  scenario.drive(5);
  assert.equal(writer.state, 'open', 'the early complete does not count');
});

test('[a1-bsend-18] complete for a stream that is not known is acked', () => {
  const { scenario, raw, blobEnd } = rawReceiver();
  raw.write([{ type: COMPLETE, id: 9, payload: completePayload(77) }], blobEnd);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['ack #9 (0 B)']);
});

test('[a1-bsend-1] [a1-blim-9] a wide window holds no more than its bytes, and all of them arrive', () => {
  const { scenario, writer, reader } = opened({ settings: WIDE });
  const text = Array.from({ length: 1000 }, (_, i) => i.toString(36)).join(' ');
  writer.pour(text);
  assert.equal(writer.waiting, text.length - 256);
  scenario.drive(50);
  assert.equal(reader.blob.bytesReceived, 256);
  reader.isGreedy = true;
  reader.drain();
  scenario.drive(200);
  assert.equal(reader.text, text);
  assert.equal(writer.state, 'ended');
});
