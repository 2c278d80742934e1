/** The golden bytes of the Rust crate, frame by frame: decoded in every cut, encoded back to the same bytes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHUNK_HEAD, FRAME, FrameDecoder, NEED_MORE } from './decode.ts';
import { putControl, putError, putHeader, putMessage, WriteBatch } from './encode.ts';
import { A1_TYPE_MAX, ERROR } from './frame.ts';
import { Region } from './landing.ts';

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly decoded: {
    readonly version: number;
    readonly flagsRaw: number;
    readonly msgType: number;
    readonly peerMsgId: number;
    readonly srcTaberna: string;
    readonly dstTaberna: string;
    readonly payloadLen: number;
  };
}

const LIMIT = 8 * 1024 * 1024;
const FOLDER = new URL('../../../../docs/protocol/vectors/', import.meta.url);
const FILES = ['a1-hello', 'a1-message', 'a1-control', 'a1-error', 'a1-blob'];
const vectors = FILES.flatMap((file) => {
  const { entries } = JSON.parse(readFileSync(new URL(`${file}.json`, FOLDER), 'utf8')) as { entries: Vector[] };
  return entries;
});

/** What a decoder shows of one frame. */
function shown(decoder: FrameDecoder): { fields: number[]; payload: string } {
  const { flags, msgType, peerMsgId, dstHi, dstLo, payloadLength, payload, payloadStart } = decoder;
  const fields = [flags, msgType, peerMsgId, dstHi, dstLo, payloadLength];
  return { fields, payload: Buffer.from(payload).toString('hex', payloadStart, payloadStart + payloadLength) };
}

function decodeAll(chunks: Iterable<Buffer>): { fields: number[]; payload: string }[] {
  const decoder = new FrameDecoder();
  const frames: { fields: number[]; payload: string }[] = [];
  let landed: Buffer | undefined;
  for (const chunk of chunks) {
    decoder.feed(chunk);
    for (let step = decoder.next(LIMIT); step !== NEED_MORE; step = decoder.next(LIMIT)) {
      if (step === CHUNK_HEAD) {
        // The bytes of a blob chunk go where its reader says.
        landed = Buffer.alloc(decoder.payloadLength);
        landed.set(decoder.chunkHead);
        decoder.land(new Region(landed, decoder.chunkHead.length));
        continue;
      }
      assert.equal(step, FRAME);
      const frame = shown(decoder);
      frames.push(landed === undefined ? frame : { ...frame, payload: landed.toString('hex') });
      landed = undefined;
    }
    decoder.rest();
  }
  return frames;
}

function expected({ decoded, hex }: Vector): { fields: number[]; payload: string } {
  const dst = BigInt(decoded.dstTaberna);
  const { flagsRaw, msgType, peerMsgId, payloadLen } = decoded;
  const halves = [Number(dst >> 32n), Number(dst & 0xffff_ffffn)];
  return { fields: [flagsRaw, msgType, peerMsgId, ...halves, payloadLen], payload: hex.slice(64) };
}

test('[a1-wire-golden] there are vectors of every kind', () => {
  assert.ok(vectors.length >= 30, `only ${vectors.length} vectors`);
});

for (const vector of vectors) {
  const bytes = Buffer.from(vector.hex, 'hex');
  test(`golden ${vector.name}: whole and one byte at a time give what the crate sent`, () => {
    assert.deepEqual(decodeAll([bytes]), [expected(vector)]);
    assert.deepEqual(decodeAll(Array.from(bytes, (byte) => Buffer.of(byte))), [expected(vector)]);
  });

  test(`golden ${vector.name}: encodes back to the same bytes`, () => {
    const { fields, payload } = expected(vector);
    const [flags, msgType, id, hi, lo] = fields as [number, number, number, number, number];
    const body = Buffer.from(payload, 'hex');
    const batch = new WriteBatch(Buffer.alloc(64 * 1024));
    if (msgType > A1_TYPE_MAX) putMessage(batch, flags, msgType, id, hi, lo, body);
    else if (msgType === ERROR) putError(batch, id, body.readUInt32BE(0), body.toString('utf8', 4));
    else if (body.length === 0) putControl(batch, flags, msgType, id);
    else {
      putHeader(batch, flags, msgType, id, hi, lo, body.length);
      batch.attachment = body;
    }
    const written = Buffer.concat([batch.bytes.subarray(0, batch.length), batch.attachment ?? Buffer.alloc(0)]);
    assert.equal(written.toString('hex'), vector.hex);
  });
}

test('golden: all vectors in one stream, at every cut of three sizes', () => {
  const stream = Buffer.concat(vectors.map((vector) => Buffer.from(vector.hex, 'hex')));
  const wanted = vectors.map(expected);
  for (const size of [7, 31, 33, 4096, stream.length]) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
    assert.deepEqual(decodeAll(chunks), wanted, `pieces of ${size}`);
  }
});
