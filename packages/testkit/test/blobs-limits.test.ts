/** Limits and invariants of blob streams: reservations, responses, local streams, and bytes under any loss of calles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorPayload, numbersPayload } from '../src/sim/raw-peer.ts';
import {
  ACK,
  blobCalles,
  blobHello,
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
  smallPair,
} from './blob-bench.ts';

test('[a1-blim-1] reservations count over all peers, and in and out by themselves', () => {
  const scenario = smallPair({ domus: 3 });
  const { a, b } = scenario;
  const c = scenario.places[2]!;
  for (const place of [a, b, c]) place.serveBlobs(7);
  const out = [a.sendBlob(b, 7, 'to b'), a.sendBlob(c, 7, 'to c'), a.sendBlob(b, 7, 'one more')];
  const back = [b.sendBlob(a, 7, 'from b'), c.sendBlob(a, 7, 'from c')];
  scenario.drive(200);
  assert.deepEqual(
    [...out, ...back].map(({ state }) => state),
    ['open', 'open', 'failed', 'open', 'open'],
  );
  assert.deepEqual(a.reserved, [32, 32]);
  const late = b.sendBlob(a, 7, 'no room at a');
  scenario.drive(20);
  assert.equal(late.failure?.kind, 'blob-buffer-full');
  assert.deepEqual(b.reserved, [16, 16]);
});

/** The ways in which a stream ends. */
const ends: Readonly<Record<string, (bench: ReturnType<typeof opened>) => void>> = {
  'it completes and is read': ({ writer, reader }) => {
    reader.isGreedy = true;
    writer.pour('0123456789');
  },
  'the sender gives it up': ({ writer }) => writer.abort(),
  'the receiver gives it up': ({ reader }) => reader.leave(),
  'both give it up at once': ({ writer, reader }) => {
    writer.abort();
    reader.leave();
  },
  'the receiver gives up what has arrived whole': ({ scenario, writer, reader }) => {
    writer.pour('01');
    scenario.drive(2);
    reader.leave();
  },
  'the idle limit': ({ scenario, reader }) => {
    reader.isGreedy = true;
    scenario.drive(61_000);
  },
  'the sender closes the session': ({ a, b }) => a.domus.closePeer(b.address, a.domus.now() + 1000),
  'the receiver closes the session': ({ a, b }) => b.domus.closePeer(a.address, b.domus.now() + 1000),
  'teardown of an impaired peer': ({ scenario, a, b }) => {
    scenario.partition();
    scenario.cut();
    scenario.drive(31_000);
    assert.equal(a.knows(b), false);
  },
  'the domus of the sender is shut down': ({ a }) => {
    a.domus.beginShutdown();
    a.domus.endShutdown();
  },
  'the domus of the receiver is cut off': ({ b }) => b.domus.abort(),
};

for (const [name, happens] of Object.entries(ends)) {
  test(`[a1-blim-2] [a1-blim-11] nothing stays reserved when ${name}`, () => {
    const bench = opened();
    const { scenario, a, b, writer, reader } = bench;
    writer.write('ab');
    happens(bench);
    scenario.drive(40_000);
    assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
    for (const place of [a, b]) {
      const other = place === a ? b : a;
      if (place.knows(other)) assert.notEqual(place.session(other).blobs?.isEmpty, false);
    }
    // Ends that come late change nothing.
    writer.abort();
    reader.leave();
    assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  });
}

test('[a1-blim-2] the receiver’s reservation lasts until the bytes are read', () => {
  const { scenario, a, b, writer, reader } = opened();
  writer.pour('0123456789');
  scenario.drive(100);
  assert.deepEqual(reserved(a, b), [0, 0, 0, 16]);
  scenario.drive(200_000);
  assert.deepEqual(reserved(a, b), [0, 0, 0, 16]);
  reader.drain();
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
});

test('[a1-blim-2] [a1-blim-9] settings that shrink under a blob callis: a stream reserves what its callis has agreed', () => {
  const { scenario, a, b } = opened({ settings: { blobOutboundBufferBytes: 64, blobInboundBufferBytes: 64 } });
  for (const place of [a, b]) place.domus.updateSettings({ ...place.domus.core.settings, blobChunkBytes: 2 });
  const second = a.sendBlob(b, 7, 'second');
  scenario.drive(20);
  assert.deepEqual(second.blob.numbers, { chunkBytes: 4, window: 4 });
  assert.deepEqual(reserved(a, b), [32, 0, 0, 32]);
});

test('[a1-blim-2] [a1-bcal-2] settings that shrink under an own blob hello: a stream reserves what the answer may say', () => {
  const { scenario, raw, b, streams } = rawSender();
  const [primary] = raw.ends;
  raw.answersHello = false;
  raw.write([{ type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
  scenario.drive(20);
  streams[0]!.leave();
  b.domus.updateSettings({ ...b.domus.core.settings, blobChunkBytes: 1 });
  raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 7 }], primary);
  raw.write([{ type: RESPONSE, flags: 1, payload: numbersPayload(4, 4) }]);
  scenario.drive(20);
  assert.deepEqual(streams[1]!.blob.numbers, { chunkBytes: 4, window: 4 });
  assert.deepEqual(b.reserved, [0, 16]);
});

test('[a1-blim-2] a hello that the peer answers with more than a callis which came up meanwhile', () => {
  const { scenario, raw, b, reader } = rawStream();
  const [primary] = raw.ends;
  const shelf = b.shelve(8);
  scenario.drive(1000);
  raw.answersHello = false;
  raw.hangUp();
  scenario.drive(20);
  const own = raw.ends.at(-1)!;
  reader.leave();
  b.domus.updateSettings({ ...b.domus.core.settings, blobChunkBytes: 1 });
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([blobHello(1, 4, 3)]);
  raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 8 }], primary);
  scenario.drive(20);
  raw.write([{ type: RESPONSE, flags: 3, payload: numbersPayload(4, 4) }], own);
  scenario.drive(20);
  const request = b.take(shelf)!;
  request.accept();
  assert.deepEqual(request.stream!.blob.numbers, { chunkBytes: 4, window: 4 });
  assert.deepEqual(b.reserved, [0, 16]);
});

test('[a1-blim-6] the end of a session fails its streams, with its kind', () => {
  const kinds: [string, (bench: ReturnType<typeof opened>) => void, string, string][] = [
    ['close', ({ a, b }) => a.domus.closePeer(b.address, a.domus.now() + 1000), 'peer-unavailable', 'peer-unavailable'],
    ['shutdown', ({ a }) => a.domus.endShutdown(), 'domus-closed', 'peer-unavailable'],
  ];
  for (const [name, happens, there, here] of kinds) {
    const bench = opened();
    happens(bench);
    bench.scenario.drive(100);
    assert.deepEqual([bench.writer.failure?.kind, bench.reader.failure?.kind], [there, here], name);
  }
});

test('[a1-blim-6] a peer that has restarted has forgotten the streams', () => {
  const { scenario, a, b, writer } = opened();
  writer.write('bytes');
  scenario.crash(b);
  scenario.start(b);
  const streams = b.serveBlobs(7);
  scenario.drive(10_000);
  assert.equal(writer.failure?.kind, 'peer-restarted');
  assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  const next = a.sendBlob(b, 7, 'next');
  scenario.drive(50);
  assert.deepEqual([next.state, streams.length], ['open', 1]);
  assert.equal(scenario.frames(b, a, 'hello BLOB').length > 0, true);
});

test('[a1-blim-4] a second response for an id that has one waiting is dropped and logged', () => {
  const { scenario, raw, a, b } = rawStream();
  blobCalles(b, a)[0]!.isBlocked = true;
  for (let i = 0; i < 2; i++) raw.write([{ type: 8, id: 9, payload: Buffer.alloc(18) }]);
  scenario.drive(10);
  assert.equal(b.session(a).blobs!.responses.errors.size, 1);
  assert.equal(b.events('limited-log').filter(({ id }) => id === 1006).length, 1);
  for (let i = 0; i < 2; i++) raw.write([{ type: 9, id: 10, payload: Buffer.alloc(4) }]);
  scenario.drive(10);
  assert.equal(b.session(a).blobs!.responses.acks.size, 1);
  assert.equal(b.events('limited-log').filter(({ id }) => id === 1005).length, 1);
});

test('[a1-blim-3] acks and errors that find no room are dropped, counted and logged', () => {
  const { scenario, raw, a, b } = rawStream();
  blobCalles(b, a)[0]!.isBlocked = true;
  for (let id = 100; id < 4300; id++) raw.write([{ type: 9, id, payload: Buffer.alloc(4) }]);
  for (let id = 5000; id < 9200; id++) raw.write([{ type: 8, id, payload: Buffer.alloc(18) }]);
  scenario.drive(1000);
  const { responses } = b.session(a).blobs!;
  assert.deepEqual([responses.acks.size, responses.errors.size], [4096, 4096]);
  assert.deepEqual([b.domus.core.counters.overrunsAck, b.domus.core.counters.overrunsError], [104, 104]);
  assert.deepEqual(new Set(b.events('outbound-queue-overrun').map(({ tier }) => tier)), new Set(['ack', 'error']));
  assert.ok(b.events('limited-log').some(({ id }) => id === 1004));
});

test('[a1-blim-5] a local stream: the same states, reservations and bytes, without a callis', () => {
  const scenario = smallPair();
  const { a } = scenario;
  const streams = a.serveBlobs(7);
  const writer = a.sendBlob(a, 7, 'own');
  assert.deepEqual([writer.state, streams[0]!.state], ['open', 'open']);
  assert.deepEqual(a.reserved, [16, 16]);
  writer.pour('0123456789abcdefghijklmnop');
  assert.equal(writer.waiting, 10, 'the window is full');
  streams[0]!.drain();
  scenario.drive(1);
  streams[0]!.drain();
  assert.equal(streams[0]!.text, '0123456789abcdefghijklmnop');
  assert.deepEqual([writer.state, streams[0]!.state], ['ended', 'over']);
  assert.deepEqual(a.reserved, [0, 0]);
  assert.equal(a.domus.core.peers.size, 0);
});

test('[a1-blim-5] a local stream is refused, full, idle and quiet as one over a wire', () => {
  const scenario = smallPair({ settings: { blobOutboundBufferBytes: 64 } });
  const { a } = scenario;
  a.serve(8, (request) => void request.reject());
  const streams = a.serveBlobs(7);
  assert.equal(a.sendBlob(a, 8, 'no').failure?.kind, 'remote-taberna-rejected');
  assert.equal(a.sendBlob(a, 9, 'nobody').failure?.kind, 'unknown-taberna');
  assert.deepEqual(a.reserved, [0, 0]);
  const [first, second, third] = [0, 1, 2].map((i) => a.sendBlob(a, 7, `${i}`));
  assert.equal(third!.failure?.kind, 'blob-buffer-full');
  first!.write('ab');
  streams[0]!.isGreedy = true;
  scenario.drive(25);
  assert.equal(streams[0]!.text, 'ab', 'quiet for 20 ms');
  scenario.drive(61_000);
  assert.deepEqual(
    [first!.failure?.kind, second!.failure?.kind, streams[0]!.failure?.kind],
    Array(3).fill('blob-stream-idle-timeout'),
  );
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-blim-5] [a1-bsend-5] a local stream whose end waits for room gets it with the first ack', () => {
  const scenario = smallPair();
  const { a } = scenario;
  const streams = a.serveBlobs(7);
  const writer = a.sendBlob(a, 7, 'own');
  writer.write('0123456789abcdef');
  writer.flush();
  writer.end();
  assert.equal(writer.state, 'open', 'the window is full');
  streams[0]!.drain();
  assert.equal(streams[0]!.text, '0123456789abcdef');
  assert.deepEqual([writer.state, streams[0]!.state], ['ended', 'over']);
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-blim-5] a local stream is given up from either side, and fails with its domus', () => {
  const scenario = smallPair();
  const { a } = scenario;
  const streams = a.serveBlobs(7);
  a.sendBlob(a, 7, 'one').abort();
  assert.equal(streams[0]!.failure?.detail, 'stream-aborted');
  const second = a.sendBlob(a, 7, 'two');
  streams[1]!.leave();
  assert.equal(second.failure?.detail, 'stream-aborted');
  const third = a.sendBlob(a, 7, 'three');
  a.domus.endShutdown();
  assert.deepEqual([third.failure?.kind, streams[2]!.failure?.kind], ['domus-closed', 'domus-closed']);
  assert.deepEqual(a.reserved, [0, 0]);
});

test('[a1-blim-7] [a1-blim-8] cut at every byte of a stream, all bytes arrive once and in order', () => {
  const text = Array.from({ length: 12 }, (_, i) => `${i}`.padStart(4, '.')).join('');
  for (let cutAt = 1; cutAt <= 700; cutAt += 7) {
    const { scenario, a, b, writer, reader } = opened({ settings: { blobWindow: 3 } });
    scenario.drive(1000);
    scenario.pieces(5);
    reader.isGreedy = true;
    writer.pour(text);
    const callis = blobCalles(a, b)[0];
    const end = scenario.ends(a, b).find((one) => one.callis === callis)!;
    const before = end.outward.delivered + end.inward.delivered;
    scenario.driveUntil(() => end.outward.delivered + end.inward.delivered - before >= cutAt, 200);
    if (!end.closed) cutBlobs(scenario);
    scenario.drive(70_000);
    assert.equal(reader.text, text, `cut at ${cutAt}`);
    assert.equal(reader.blob.bytesReceived, text.length);
    assert.equal(writer.state, 'ended', `cut at ${cutAt}`);
    assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  }
});

test('[a1-blim-7] the loss of all calles at any moment, the primary too', () => {
  const text = 'abcdefghijklmnopqrstuvwxyz0123456789';
  for (let ms = 0; ms < 40; ms++) {
    const { scenario, a, b, writer, reader } = opened({ settings: { blobWindow: 2 } });
    scenario.drive(1000);
    reader.isGreedy = true;
    writer.pour(text);
    for (let cuts = 0; cuts < 3; cuts++) {
      scenario.drive(ms / 4);
      scenario.cut();
      scenario.drive(1500);
    }
    scenario.drive(70_000);
    assert.deepEqual([reader.text, writer.state], [text, 'ended'], `${ms}`);
    assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
  }
});

test('[a1-blim-10] messages keep flowing on the primary at full blob load', () => {
  const KIB = 1024;
  const scenario = smallPair({
    settings: {
      blobChunkBytes: 64 * KIB,
      blobWindow: 64,
      blobOutboundBufferBytes: 8192 * KIB,
      blobInboundBufferBytes: 8192 * KIB,
    },
  });
  const { a, b } = scenario;
  b.serve(8);
  b.serveBlobs(7, true);
  const writer = a.sendBlob(b, 7, 'big');
  scenario.drive(100);
  writer.pour(Buffer.alloc(4096 * KIB, 7));
  for (let i = 0; i < 20; i++) {
    const sent = a.send(b, 8, `order ${i}`);
    scenario.drive(3);
    assert.equal(sent.state, 'accepted', `order ${i}`);
  }
});

test('[a1-bsend-8] ids of chunks wrap with those of messages, and nothing is lost', () => {
  const scenario = smallPair({ firstId: 0xffff_fffa });
  const { a, b } = scenario;
  const streams = b.serveBlobs(7, true);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  const text = '0123456789'.repeat(6);
  writer.pour(text);
  scenario.drive(100);
  assert.deepEqual([writer.state, streams[0]!.text], ['ended', text]);
  assert.ok(scenario.frames(a, b, 'chunk').some((line) => line.includes('#4294967295 ')));
  assert.ok(scenario.frames(a, b, 'chunk').some((line) => line.includes('#0 ')));
});

test('[a1-blim-11] answers that a lost callis leaves behind do not keep a domus busy', () => {
  const { scenario, a, b, writer, reader } = opened();
  scenario.drive(1000);
  writer.write('0123');
  writer.flush();
  scenario.drive(5);
  blobCalles(b, a)[0]!.isBlocked = true;
  reader.drain();
  cutBlobs(scenario);
  reader.leave();
  writer.abort();
  scenario.drive(5000);
  assert.deepEqual([a.domus.core.isQuiet, b.domus.core.isQuiet], [true, true]);
});

test('[a1-bsend-17] late errors for chunks and streams that are over are ignored', () => {
  const { scenario, raw, a, b, writer, blobEnd } = rawReceiver();
  writer.write('0123');
  writer.flush();
  scenario.drive(10);
  writer.abort();
  scenario.drive(10);
  raw.write(
    [
      { type: ACK, id: FIRST_ID + 1 },
      { type: ERROR, id: FIRST_ID, payload: errorPayload(3) },
      { type: ERROR, id: FIRST_ID + 1, payload: errorPayload(15) },
    ],
    blobEnd,
  );
  scenario.drive(10);
  assert.equal(blobCalles(a, b).length, 1);
  assert.equal(writer.failure?.text, 'given up here');
});
