/** Chunks that may not come: each fails its stream alone, and the callis goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkPayload, encodeFrame, type RawFrame } from '../src/sim/raw-peer.ts';
import { ACK, blobCalles, CHUNK, MESSAGE, rawStream, short } from './blob-bench.ts';

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

/** What a receiver does not take, and the error that it answers. */
const refused: Readonly<
  Record<string, { readonly frames: () => RawFrame[]; readonly answer: string; readonly kind: string }>
> = {
  '[a1-brecv-4] a chunk at the first missing + window': {
    frames: () => [chunk(4, 'abcd')],
    answer: 'error #100 blob-ack-window-exceeded',
    kind: 'blob-ack-window-exceeded',
  },
  '[a1-brecv-4] a chunk far beyond any number': {
    frames: () => [
      {
        ...chunk(0, 'abcd'),
        payload: Buffer.concat([Buffer.from([0, 0, 0, 5]), Buffer.alloc(8, 0xff), Buffer.from([0, 0, 0, 0, 0, 0])]),
      },
    ],
    answer: 'error #100 blob-ack-window-exceeded',
    kind: 'blob-ack-window-exceeded',
  },
  '[a1-brecv-5] a chunk for a store that is full of unread ones': {
    frames: () => [chunk(0, 'a'), chunk(1, 'b'), chunk(2, 'c'), chunk(3, 'd'), chunk(4, 'e')],
    answer: 'error #104 blob-buffer-full',
    kind: 'blob-buffer-full',
  },
  '[a1-brecv-6] a chunk over the agreed size': {
    frames: () => [chunk(0, 'abcde')],
    answer: 'error #100 protocol-violation',
    kind: 'protocol-violation',
  },
  '[a1-brecv-6] a LAST_CHUNK where a later chunk has come': {
    frames: () => [chunk(0, 'ab'), chunk(2, 'ef'), chunk(1, 'cd.')],
    answer: 'error #102 protocol-violation',
    kind: 'protocol-violation',
  },
  '[a1-brecv-7] [a1-err-9] LAST_CHUNK while an earlier chunk is missing': {
    frames: () => [chunk(0, 'abcd'), chunk(2, 'e.')],
    answer: 'error #101 blob-stream-missing-chunk',
    kind: 'blob-stream-missing-chunk',
  },
  '[a1-brecv-7] a full window whose next chunk is missing': {
    frames: () => [chunk(0, 'abcd'), chunk(2, 'c'), chunk(3, 'd'), chunk(4, 'e')],
    answer: 'error #103 blob-stream-missing-chunk',
    kind: 'blob-stream-missing-chunk',
  },
};

for (const [name, { frames, answer, kind }] of Object.entries(refused)) {
  test(`${name} fails the stream alone ([a1-brecv-9])`, () => {
    const { scenario, raw, a, b, reader, streams } = bench();
    raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 7 }], raw.ends[0]);
    scenario.drive(10);
    raw.read.length = 0;
    raw.write(frames());
    scenario.drive(10);
    assert.equal(raw.read.length, 1);
    assert.ok(raw.read[0]!.startsWith(answer), raw.read[0]);
    assert.equal(reader.failure?.kind, kind);
    assert.equal(streams[1]!.state, 'open');
    assert.equal(blobCalles(b, a).length, 1, 'the callis goes on');
    assert.deepEqual(b.reserved, [0, 16]);
    raw.write([chunk(0, 'abc.', true, 6)]);
    scenario.drive(10);
    streams[1]!.drain();
    assert.equal(streams[1]!.text, 'abc.');
    raw.write([chunk(1, 'late')]);
    scenario.drive(10);
    assert.match(raw.read.at(-1)!, /blob-stream-not-found/);
  });
}

test('[a1-err-9] the text of a missing chunk says what was delivered', () => {
  const { scenario, raw } = bench();
  const texts: string[] = [];
  const { bytes } = raw;
  raw.bytes = (end, given) => {
    texts.push(given.toString('latin1'));
    bytes.call(raw, end, given);
  };
  raw.write([chunk(1, 'e.')]);
  scenario.drive(5);
  assert.match(texts[0]!, /last_delivered_chunk_id=none delivered_bytes=0/);
});

test('[a1-brecv-6] nothing comes behind LAST_CHUNK; the reader keeps what has come', () => {
  for (const frame of [() => chunk(1, 'e'), () => chunk(1, 'e.')]) {
    const { scenario, raw, b, reader } = bench();
    raw.write([chunk(0, 'abc.'), frame()]);
    scenario.drive(5);
    assert.match(raw.read.join(), /ack #100 .*error #101 protocol-violation/);
    reader.drain();
    assert.deepEqual([reader.text, reader.blob.isReadOut, reader.failure], ['abc.', true, undefined]);
    assert.deepEqual(b.reserved, [0, 0]);
  }
});

test('[a1-brecv-6] two calles that race past LAST_CHUNK give no byte behind it', () => {
  const { scenario, raw, b, reader } = bench();
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: 1, flags: 3, payload: Buffer.from([0, 0, 0, 4, 0, 0, 0, 4]) }]);
  scenario.drive(10);
  raw.read.length = 0;
  const [one, other] = raw.ends.slice(-2);
  const late = encodeFrame(chunk(1, 'XXXX'));
  raw.writeBytes(late.subarray(0, 52), one);
  scenario.drive(5);
  raw.write([chunk(0, 'abc.')], other!);
  scenario.drive(5);
  raw.writeBytes(late.subarray(52), one);
  scenario.drive(5);
  reader.drain();
  assert.equal(reader.text, 'abc.');
  assert.equal(raw.read.filter((line) => line.includes('complete')).length, 1);
  assert.deepEqual(b.reserved, [0, 0]);
});

test('[a1-brecv-8] a chunk for a stream that is unknown or not accepted is not found', () => {
  const { scenario, raw, b } = bench();
  const shelf = b.shelve(8);
  raw.write([{ type: MESSAGE, flags: 1, id: 6, dst: 8 }], raw.ends[0]);
  scenario.drive(5);
  raw.write([chunk(0, 'abcd', false, 77), chunk(0, 'abcd', false, 6)]);
  scenario.drive(5);
  assert.deepEqual(
    raw.read.map((line) => line.slice(0, 32)),
    ['error #100 blob-stream-not-found', 'error #101 blob-stream-not-found'],
  );
  b.take(shelf)!.accept();
  scenario.drive(5);
  raw.write([chunk(0, 'abc.', true, 6)]);
  scenario.drive(5);
  assert.equal(raw.read.at(-2), 'ack #102 (0 B)');
});

test('[a1-brecv-8] a chunk for a stream that has ended is not found', () => {
  const { scenario, raw, reader } = bench();
  reader.isGreedy = true;
  raw.write([chunk(0, 'abc.')]);
  scenario.drive(5);
  assert.deepEqual(
    short(raw.read).map((line) => line.replace(/@\d+/, '@')),
    ['ack #100', 'complete @ of #5'],
  );
  const completeId = Number(/#(\d+)/.exec(raw.read[1]!)![1]);
  raw.write([chunk(0, 'abc.')]);
  scenario.drive(5);
  assert.equal(raw.read.at(-1), 'ack #101 (0 B)', 'complete is not acked yet');
  raw.write([{ type: ACK, id: completeId }, chunk(0, 'abc.')]);
  scenario.drive(5);
  assert.match(raw.read.at(-1)!, /^error #102 blob-stream-not-found/);
});

for (const [name, payload, kind] of [
  ['undefined flags', chunkPayload(5, 0, Buffer.from('abcd'), { flags: 2 }), 'protocol-violation'],
  ['a length that does not fit', chunkPayload(5, 0, Buffer.from('abcd'), { length: 3 }), 'decode-failure'],
  ['a length far beyond', chunkPayload(5, 0, Buffer.from('abcd'), { length: 0xffff_ffff }), 'decode-failure'],
  ['less than a head', Buffer.alloc(17), 'decode-failure'],
  ['no payload', Buffer.alloc(0), 'decode-failure'],
] as const) {
  test(`[a1-brecv-10] a chunk with ${name} is answered ${kind}, and callis and stream go on`, () => {
    const { scenario, raw, reader } = bench();
    reader.isGreedy = true;
    raw.write([{ type: CHUNK, id: 9, payload }, chunk(0, 'abc.')]);
    scenario.drive(10);
    assert.ok(
      raw.read.some((line) => line.startsWith(`error #9 ${kind}`)),
      raw.read.join(),
    );
    assert.ok(raw.read.includes('ack #100 (0 B)'));
    assert.equal(reader.text, 'abc.');
  });
}
