/** The receiver of a blob stream, against a peer that writes each chunk by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkPayload, encodeFrame, errorPayload, type RawFrame } from '../src/sim/raw-peer.ts';
import { blobCalles, CHUNK, ERROR, MESSAGE, opened, rawStream, reserved } from './blob-bench.ts';

let nextId = 100;

/** A chunk of stream 5, under the next id; a text that ends in a full stop is the last. */
function chunk(number: number, text: string, isLast = text.endsWith('.'), stream = 5): RawFrame {
  return {
    type: CHUNK,
    id: nextId++,
    payload: chunkPayload(stream, number, Buffer.from(text), { flags: isLast ? 1 : 0 }),
  };
}

/** As `rawStream`, with ids of chunks from 100 on. */
function bench(options: Parameters<typeof rawStream>[0] = {}): ReturnType<typeof rawStream> {
  nextId = 100;
  return rawStream(options);
}

test('[a1-brecv-1] chunks in any order, short ones too, are read in order', () => {
  const { scenario, raw, reader } = bench();
  reader.isGreedy = true;
  raw.write([chunk(2, 'ef'), chunk(0, 'abc')]);
  scenario.drive(5);
  assert.equal(reader.text, 'abc');
  raw.write([chunk(1, 'd')]);
  scenario.drive(5);
  assert.equal(reader.text, 'abcdef');
  raw.write([chunk(4, 'kl'), chunk(3, 'ghij')]);
  raw.write([chunk(5, 'm.')]);
  scenario.drive(5);
  assert.equal(reader.text, 'abcdefghijklm.');
  assert.equal(reader.blob.isReadOut, true);
  // Acks in the order in which the bytes were read.
  assert.deepEqual(
    raw.read.filter((line) => line.startsWith('ack')).map((line) => line.slice(0, 8)),
    [101, 102, 100, 104, 103, 105].map((id) => `ack #${id}`),
  );
});

test('[a1-brecv-1] an empty chunk in the middle stops no reader', () => {
  const { scenario, raw, reader } = bench();
  reader.isGreedy = true;
  raw.write([chunk(0, 'ab'), chunk(1, ''), chunk(2, ''), chunk(3, 'cd.')]);
  scenario.drive(5);
  assert.equal(reader.text, 'abcd.');
  assert.equal(reader.blob.isReadOut, true);
});

test('[a1-brecv-2] a repeat of a chunk that was acked is acked again and dropped', () => {
  const { scenario, raw, reader } = bench();
  reader.isGreedy = true;
  raw.write([chunk(0, 'abcd')]);
  scenario.drive(5);
  raw.write([chunk(0, 'XXXX')]);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['ack #100 (0 B)', 'ack #101 (0 B)']);
  assert.equal(reader.text, 'abcd');
  assert.equal(reader.blob.bytesReceived, 4);
});

test('[a1-brecv-3] a repeat of a chunk whose ack is withheld is dropped, and acked under its newest id', () => {
  const { scenario, raw, reader } = bench();
  raw.write([chunk(0, 'abcd'), chunk(0, 'XXXX'), chunk(2, 'ijkl'), chunk(2, 'YYYY')]);
  scenario.drive(5);
  assert.deepEqual(raw.read, []);
  raw.write([chunk(1, 'efgh')]);
  scenario.drive(5);
  reader.drain();
  scenario.drive(5);
  assert.equal(reader.text, 'abcdefghijkl');
  assert.deepEqual(raw.read, ['ack #101 (0 B)', 'ack #104 (0 B)', 'ack #103 (0 B)']);
});

test('[a1-brecv-3] a chunk that arrives on two calles at once counts once', () => {
  const { scenario, raw, a, b, reader } = bench();
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: 1, flags: 3, payload: Buffer.from([0, 0, 0, 4, 0, 0, 0, 4]) }]);
  scenario.drive(10);
  assert.equal(blobCalles(b, a).length, 2);
  raw.read.length = 0;
  const [one, other] = raw.ends.slice(-2);
  const slow = encodeFrame(chunk(0, 'abcd'));
  raw.writeBytes(slow.subarray(0, 52), one);
  scenario.drive(5);
  raw.write([chunk(0, 'abcd')], other!);
  scenario.drive(5);
  reader.isGreedy = true;
  reader.drain();
  assert.equal(reader.text, 'abcd');
  raw.writeBytes(slow.subarray(52), one);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['ack #101 (0 B)', 'ack #100 (0 B)']);
  raw.write([chunk(1, 'efgh')], other!);
  scenario.drive(5);
  assert.equal(reader.text, 'abcdefgh');
});

test('[a1-brecv-17] an error that is lost with its callis is said again on another, for twice sendTimeout', () => {
  const { scenario, raw, a, b } = bench({ settings: { sendTimeoutMs: 1000 } });
  const [, older] = raw.ends;
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: 1, flags: 3, payload: Buffer.from([0, 0, 0, 4, 0, 0, 0, 4]) }]);
  scenario.drive(10);
  assert.equal(blobCalles(b, a).length, 2);
  raw.read.length = 0;
  // Any callis carries the answer to what has come on another; here it is the older one.
  const newer = raw.ends.at(-1)!;
  raw.write([chunk(0, 'abcd', false, 99)], newer);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['error #100 blob-stream-not-found (4 B)']);
  raw.hangUp(older);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['error #100 blob-stream-not-found (4 B)', 'error #100 blob-stream-not-found (4 B)']);

  // Twice sendTimeout after its first loss it is not.
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: 1, flags: 3, payload: Buffer.from([0, 0, 0, 4, 0, 0, 0, 4]) }]);
  scenario.drive(2500);
  raw.read.length = 0;
  raw.hangUp(newer);
  scenario.drive(5);
  assert.deepEqual(raw.read, ['error #5 blob-stream-idle-timeout (50 B)'], 'another one, lost for the first time');
});

test('[a1-brecv-1] a chunk that is cut off with its callis comes whole on another', () => {
  const { scenario, raw, b, reader } = bench();
  raw.writeBytes(encodeFrame(chunk(0, 'WXYZ')).subarray(0, 53));
  scenario.drive(5);
  raw.answersHello = false;
  raw.hangUp();
  scenario.drive(5);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([
    { type: 1, flags: 3, payload: Buffer.from([0, 0, 0, 4, 0, 0, 0, 4]) },
    chunk(1, 'efgh'),
    chunk(0, 'abcd'),
  ]);
  scenario.drive(10);
  reader.drain();
  assert.equal(reader.text, 'abcdefgh');
});

test('[a1-brecv-11] bytes of a chunk that is not wanted take no memory', () => {
  const { scenario, raw, a, b } = bench();
  const callis = blobCalles(b, a)[0]!;
  const frame = encodeFrame(chunk(0, 'x'.repeat(100_000), false, 77));
  raw.writeBytes(frame.subarray(0, 90_000));
  scenario.drive(500);
  assert.equal(callis.decoder.carriedBytes, 50);
  raw.writeBytes(frame.subarray(90_000));
  scenario.drive(500);
  assert.match(raw.read[0]!, /^error #100 blob-stream-not-found/);
  assert.equal(callis.decoder.carriedBytes, 0);
});

test('[a1-brecv-12] [a1-blim-10] a reader that does not read stops its sender, and neither callis', () => {
  const { scenario, a, b, writer, reader } = opened();
  b.serve(8);
  writer.pour('x'.repeat(100));
  scenario.drive(1000);
  assert.equal(reader.blob.bytesReceived, 16);
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(10);
  second.pour('fast');
  const order = a.send(b, 8, 'order');
  scenario.drive(10);
  assert.deepEqual([second.state, order.state], ['ended', 'accepted']);
});

test('[a1-brecv-13] no chunk for 2 × sendTimeout: the stream fails by itself and the sender is told', () => {
  const { scenario, raw, b, reader } = bench({ settings: { sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  reader.isGreedy = true;
  scenario.drive(1000);
  raw.write([chunk(0, 'abcd')]);
  scenario.drive(1990);
  assert.equal(reader.state, 'open');
  scenario.drive(20);
  assert.equal(reader.failure?.kind, 'blob-stream-idle-timeout');
  assert.ok(raw.read.some((line) => line.startsWith('error #5 blob-stream-idle-timeout')));
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-brecv-13] a domus that sends learns of the idle limit by the id of the stream', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(61_000);
  assert.deepEqual(
    [writer.failure?.kind, reader.failure?.kind],
    ['blob-stream-idle-timeout', 'blob-stream-idle-timeout'],
  );
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-brecv-14] the idle limit does not run while acks are withheld, and runs from the reading on', () => {
  const { scenario, raw, reader } = bench({ settings: { sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  raw.write([chunk(0, 'abcd')]);
  scenario.drive(20_000);
  assert.equal(reader.state, 'open');
  reader.drain();
  scenario.drive(1950);
  assert.equal(reader.state, 'open');
  scenario.drive(100);
  assert.equal(reader.failure?.kind, 'blob-stream-idle-timeout');
});

test('[a1-brecv-14] [a1-brecv-16] nor once all chunks are there: they can be read whenever the program comes', () => {
  const { scenario, raw, b, reader } = bench({ settings: { sendTimeoutMs: 1000, callisConnectTimeoutMs: 500 } });
  raw.write([chunk(0, 'abcd'), chunk(1, 'ef.')]);
  scenario.drive(20_000);
  assert.equal(reader.failure, undefined);
  raw.write([{ type: 5 }], raw.ends[0]);
  scenario.drive(20);
  reader.drain();
  assert.equal(reader.text, 'abcdef.');
  assert.equal(reader.blob.isReadOut, true);
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-brecv-15] a receiver that is destroyed tells the sender, and frees both reservations', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.pour('x'.repeat(100));
  scenario.drive(10);
  reader.leave();
  scenario.drive(5);
  assert.equal(writer.failure?.kind, 'peer-unavailable');
  assert.equal(writer.failure?.detail, 'stream-aborted');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  reader.leave();
  scenario.drive(5);
  assert.equal(scenario.frames(b, a, 'error').length, 1);
});

test('[a1-brecv-15] giving up what has arrived whole is no abort', () => {
  const { scenario, b, writer, reader } = opened();
  writer.pour('0123');
  scenario.drive(10);
  reader.leave();
  scenario.drive(10);
  assert.equal(writer.state, 'ended');
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-brecv-15] a sender that is told by an error for the stream’s id on the primary fails too', () => {
  const { scenario, raw, b, reader } = bench();
  raw.write([{ type: ERROR, id: 5, payload: errorPayload(3) }], raw.ends[0]);
  scenario.drive(5);
  assert.equal(reader.failure?.detail, 'stream-aborted');
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-brecv-15] given up before the message is acked, it is rejected', () => {
  const { scenario, raw, b, streams } = bench();
  raw.answersHello = false;
  raw.hangUp();
  scenario.drive(20);
  raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 7 }], raw.ends[0]);
  scenario.drive(20);
  assert.equal(streams[1]!.state, 'accepted');
  streams[1]!.leave();
  scenario.drive(20);
  assert.ok(raw.read.some((line) => line.startsWith('error #6 remote-taberna-rejected')));
  assert.equal(b.session(scenario.a).blobs!.inbound.has(6), false);
});

test('[a1-bsend-17] [a1-brecv-15] given up by its sender before the message is acked, it is rejected, and nothing stays undecided', () => {
  const { scenario, raw, a, b, streams } = bench();
  raw.answersHello = false;
  raw.hangUp();
  scenario.drive(20);
  const primary = raw.ends[0]!;
  raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 7 }], primary);
  scenario.drive(20);
  assert.equal(streams[1]!.state, 'accepted');
  raw.write([{ type: ERROR, id: 6, payload: errorPayload(3) }], primary);
  scenario.drive(20);
  assert.equal(streams[1]!.failure?.detail, 'stream-aborted');
  assert.ok(raw.read.some((line) => line.startsWith('error #6 remote-taberna-rejected')));
  const { answers, blobs } = b.session(a);
  assert.deepEqual([answers.inbox.undecided, blobs!.inbound.has(6), b.reserved[1]], [0, false, 16]);
});
