/** The life of a blob stream between two domus, frame by frame. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completePayload } from '../src/sim/raw-peer.ts';
import {
  ACK,
  blobCalles,
  COMPLETE,
  cutBlobs,
  FIRST_ID,
  opened,
  rawReceiver,
  reserved,
  short,
  smallPair,
} from './blob-bench.ts';

test('[a1-blob-3] [a1-blob-8] [a1-blob-9] [a1-bcal-1] [a1-pay-9] the opening: message, blob callis, ack', () => {
  const { scenario, writer, reader } = opened();
  assert.deepEqual(short(scenario.wire), [
    'a>b hello',
    'b>a hello-response',
    'a>b message BLOB @0 to 7 (4 B)',
    'b>a hello BLOB 4 x 4',
    'a>b hello-response BLOB 4 x 4',
    'b>a ack @0',
  ]);
  assert.deepEqual([writer.state, reader.state], ['open', 'open']);
});

test('[a1-blob-21] on a new primary a message that opens a stream waits 20 ms, with what follows it', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  b.serveBlobs(7);
  b.serve(8);
  const before = a.send(b, 8, 'before');
  const writer = a.sendBlob(b, 7, 'file');
  const behind = a.send(b, 8, 'behind');
  assert.ok(scenario.driveUntil(() => before.state === 'accepted'));
  scenario.drive(10);
  assert.equal(scenario.frames(a, b, 'message').length, 1);
  scenario.drive(30);
  assert.deepEqual(short(scenario.frames(a, b, 'message')), [
    'a>b message @0 to 8 (6 B)',
    'a>b message BLOB @1 to 7 (4 B)',
    'a>b message @2 to 8 (6 B)',
  ]);
  assert.deepEqual([writer.state, behind.state], ['open', 'accepted']);
});

test('[a1-blob-13] [a1-blob-14] [a1-blob-15] [a1-blob-16] [a1-pay-10] [a1-pay-11] chunks, acks and complete', () => {
  const { scenario, a, b, writer, reader } = opened();
  const from = scenario.wire.length;
  writer.pour('0123456789');
  scenario.drive(20);
  assert.equal(reader.blob.bytesReceived, 10);
  assert.deepEqual(short(scenario.wire.slice(from)), [
    'a>b chunk @1 (22 B) chunk 0 of @0',
    'a>b chunk @2 (22 B) chunk 1 of @0',
    'a>b chunk @3 (20 B) last chunk 2 of @0',
    'b>a ack @1',
    'b>a ack @2',
    'b>a ack @3',
    'b>a complete @0 of @0',
    'a>b ack @0',
  ]);
  assert.deepEqual([writer.state, reader.state, reader.text], ['ended', 'over', '']);
  assert.deepEqual(reserved(a, b), [0, 0, 0, 16]);
  reader.drain();
  assert.equal(reader.text, '0123456789');
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-blob-14] [a1-bsend-6] a chunk is acked when its bytes were read, and the writer goes on then', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.pour('a'.repeat(40));
  scenario.drive(1000);
  assert.equal(scenario.frames(a, b, 'chunk').length, 4);
  assert.equal(scenario.frames(b, a, 'ack').length, 1, 'that of the message');
  // Of small chunks several lie side by side, and are read as one piece.
  assert.equal(reader.read(), 'a'.repeat(16));
  scenario.drive(10);
  assert.equal(scenario.frames(b, a, 'ack').length, 1, 'what was handed out is not used yet');
  assert.equal(reader.read(), undefined);
  scenario.drive(10);
  assert.equal(scenario.frames(b, a, 'ack').length, 5);
  assert.equal(scenario.frames(a, b, 'chunk').length, 8);
});

test('[a1-blob-7] until the handler accepts nothing is dialled, and the stream is inactive', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(1000);
  const request = b.take(shelf)!;
  assert.deepEqual([request.stream!.state, writer.state], ['offered', 'asking']);
  assert.equal(writer.write('bytes'), 0);
  assert.equal(request.stream!.read(), undefined);
  assert.equal(scenario.frames(b, a, 'BLOB').length, 0);
  request.accept();
  assert.equal(request.stream!.state, 'accepted');
  scenario.drive(50);
  assert.deepEqual([request.stream!.state, writer.state], ['open', 'open']);
});

test('[a1-blob-8] the second stream of a session needs no dial and is acked at once', () => {
  const { scenario, a, b } = opened();
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(10);
  assert.equal(second.state, 'open');
  assert.equal(blobCalles(a, b).length, 1);
});

test('[a1-blob-5] a blob for an unknown or a full taberna is answered so, and nothing stays reserved', () => {
  const scenario = smallPair({ settings: { tabernaAcceptQueueSize: 1 } });
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const unknown = a.sendBlob(b, 9, 'file');
  scenario.drive(50);
  assert.deepEqual([unknown.failure?.kind, unknown.failure?.delivery], ['unknown-taberna', 'refused']);
  const [first, second] = [a.sendBlob(b, 7, 'first'), a.sendBlob(b, 7, 'second')];
  scenario.drive(20);
  assert.deepEqual([first.state, second.failure?.kind, shelf.waiting], ['asking', 'taberna-busy', 1]);
  assert.deepEqual(reserved(a, b), [16, 0, 0, 16]);
  scenario.drive(6000);
  assert.equal(first.failure?.kind, 'taberna-busy', 'nobody has taken it within acceptTimeout');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blob-4] [a1-err-10] a sender without room for one more reservation sends nothing', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  b.serveBlobs(7);
  const streams = [0, 1, 2].map((i) => a.sendBlob(b, 7, `file ${i}`));
  assert.equal(streams[2]!.failure?.kind, 'blob-buffer-full');
  assert.equal(streams[2]!.failure?.delivery, 'not-sent');
  assert.match(streams[2]!.failure!.text, /outbound .*reserved when a stream opens.* 32 bytes/);
  scenario.drive(50);
  assert.equal(scenario.frames(a, b, 'message').length, 2);
  assert.deepEqual(
    streams.map(({ state }) => state),
    ['open', 'open', 'failed'],
  );
});

test('[a1-blob-6] [a1-err-10] a receiver without room for one more reservation answers blob-buffer-full', () => {
  const scenario = smallPair({ settings: { blobOutboundBufferBytes: 1024 } });
  const { a, b } = scenario;
  b.serveBlobs(7);
  const streams = [0, 1, 2].map((i) => a.sendBlob(b, 7, `file ${i}`));
  scenario.drive(50);
  assert.deepEqual(
    streams.map(({ state }) => state),
    ['open', 'open', 'failed'],
  );
  assert.equal(streams[2]!.failure?.kind, 'blob-buffer-full');
  assert.match(streams[2]!.failure!.text, /inbound .*reserved when a stream opens.* 32 bytes/);
  assert.deepEqual(b.seen, ['file 0', 'file 1']);
  assert.deepEqual(reserved(a, b), [32, 0, 0, 32]);
});

test('[a1-blob-11] a rejected message leaves no stream', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  b.serve(7, (request) => void request.reject());
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  assert.equal(writer.failure?.kind, 'remote-taberna-rejected');
  assert.equal(scenario.frames(b, a, 'BLOB').length, 0);
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blob-10] no blob callis within sendTimeout of the accept is send-timeout at both sides', () => {
  const scenario = smallPair({ settings: { sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  const { a, b } = scenario;
  const streams = b.serveBlobs(7);
  const writer = a.sendBlob(b, 7, 'file', { timeoutMs: 5000 });
  assert.ok(scenario.driveUntil(() => b.seen.length === 1));
  a.domus.isListening = false;
  scenario.drive(990);
  assert.deepEqual([streams[0]!.state, writer.state], ['accepted', 'asking']);
  scenario.drive(20);
  assert.deepEqual([streams[0]!.failure?.kind, writer.failure?.kind], ['send-timeout', 'send-timeout']);
  assert.ok(b.events('peer-dial-failed').every(({ callis }) => callis === 'blob'));
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blob-12] acked without a blob callis, the sender waits until its deadline, and tells the peer then', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const streams = b.serveBlobs(7);
  const writer = a.sendBlob(b, 7, 'file', { timeoutMs: 2000 });
  // The blob callis dies when the receiver has it, and the sender has only the ack.
  assert.ok(scenario.driveUntil(() => scenario.frames(b, a, 'ack').length === 1));
  cutBlobs(scenario);
  a.domus.isListening = false;
  b.domus.isListening = false;
  scenario.drive(100);
  assert.deepEqual([writer.state, streams[0]!.state], ['accepted', 'open']);
  scenario.drive(2000);
  assert.equal(writer.failure?.kind, 'send-timeout');
  assert.equal(streams[0]!.failure?.detail, 'stream-aborted');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blob-12] acked before it counts a blob callis, the sender opens as soon as it does', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  b.serveBlobs(7);
  const writer = a.sendBlob(b, 7, 'file');
  assert.ok(scenario.driveUntil(() => scenario.frames(b, a, 'ack').length === 1));
  cutBlobs(scenario);
  scenario.drive(2);
  assert.equal(writer.state, 'accepted');
  scenario.drive(1100);
  assert.equal(writer.state, 'open');
});

test('[a1-blob-17] [a1-blob-19] complete that is lost with its callis goes out once more, and then never again', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  writer.pour('0123456789');
  for (const round of [1, 2]) {
    assert.ok(scenario.driveUntil(() => scenario.frames(b, a, 'complete').length === round));
    cutBlobs(scenario);
    assert.equal(reader.state, 'open');
    scenario.drive(1);
  }
  scenario.drive(100_000);
  assert.equal(scenario.frames(b, a, 'complete').length, 2);
  assert.equal(writer.state, 'ended');
  assert.equal(reader.state, 'over');
  reader.drain();
  assert.equal(reader.text, '0123456789');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blob-18] the end of the sender: complete has arrived, and no chunk is unanswered', () => {
  const { scenario, raw, writer, blobEnd } = rawReceiver();
  writer.pour('01234567');
  scenario.drive(10);
  assert.deepEqual(short(raw.read), ['chunk @1 (22 B) chunk 0 of @0', 'chunk @2 (22 B) last chunk 1 of @0']);
  raw.write(
    [
      { type: ACK, id: FIRST_ID + 1 },
      { type: COMPLETE, id: 9, payload: completePayload(FIRST_ID) },
    ],
    blobEnd,
  );
  scenario.drive(10);
  assert.equal(writer.state, 'open', 'a chunk is unanswered');
  raw.write([{ type: ACK, id: FIRST_ID + 2 }], blobEnd);
  scenario.drive(10);
  assert.equal(writer.state, 'ended');
  assert.deepEqual(short(raw.read.slice(2)), ['ack #9']);
});

test('[a1-blob-18] [a1-blob-19] acks without complete are the end only behind twice sendTimeout, as long as no blob callis was lost', () => {
  const { scenario, raw, a, writer, blobEnd } = rawReceiver();
  writer.pour('0123');
  scenario.drive(10);
  raw.write([{ type: ACK, id: FIRST_ID + 1 }], blobEnd);
  const { sendTimeoutMs } = a.domus.core.settings;
  scenario.drive(2 * sendTimeoutMs - 10);
  assert.equal(writer.state, 'open');
  assert.equal(writer.blob.bytesAcknowledged, 4);
  scenario.drive(20);
  assert.equal(writer.state, 'ended');
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-blob-18] [a1-blob-19] complete without all acks is the end only behind twice sendTimeout: they may have been dropped', () => {
  const { scenario, raw, a, writer, blobEnd } = rawReceiver();
  writer.pour('01234567');
  scenario.drive(10);
  raw.write(
    [
      { type: ACK, id: FIRST_ID + 2 },
      { type: COMPLETE, id: 9, payload: completePayload(FIRST_ID) },
    ],
    blobEnd,
  );
  const { sendTimeoutMs } = a.domus.core.settings;
  scenario.drive(2 * sendTimeoutMs - 10);
  assert.equal(writer.state, 'open');
  scenario.drive(20);
  assert.equal(writer.state, 'ended');
  assert.deepEqual(a.reserved, [0, 0]);
  assert.equal(a.session(scenario.b).blobs!.holds(FIRST_ID + 1), false);
});

test('[a1-blob-19] [a1-bsend-14] a callis lost behind LAST_CHUNK: all chunks acked is enough', () => {
  const { scenario, raw, a, writer, blobEnd } = rawReceiver();
  writer.pour('01234567');
  scenario.drive(10);
  raw.write([{ type: ACK, id: FIRST_ID + 1 }], blobEnd);
  scenario.drive(10);
  raw.hangUp(blobEnd);
  raw.read.length = 0;
  scenario.drive(50);
  assert.deepEqual(short(raw.read), ['hello BLOB RECONNECT 4 x 4', 'chunk @3 (22 B) last chunk 1 of @0']);
  // The late answer to the first attempt means nothing.
  raw.write([{ type: ACK, id: FIRST_ID + 2 }]);
  scenario.drive(10);
  assert.equal(writer.state, 'open');
  raw.write([{ type: ACK, id: FIRST_ID + 3 }]);
  scenario.drive(10);
  assert.equal(writer.state, 'ended');
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-blob-20] given up while its message is under way: if that is accepted, the peer is told at once', () => {
  const scenario = smallPair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  writer.abort();
  assert.deepEqual(a.reserved, [0, 0]);
  scenario.drive(50);
  const request = b.take(shelf)!;
  assert.equal(request.stream!.state, 'offered');
  request.accept();
  scenario.drive(50);
  assert.equal(request.stream!.failure?.kind, 'peer-unavailable');
  assert.equal(request.stream!.failure?.detail, 'stream-aborted');
  assert.deepEqual(b.reserved, [0, 0]);
});
