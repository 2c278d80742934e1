/** Chunks of blob streams through encoder and decoder. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHUNK_FRAME_BYTES, CHUNK_HEAD_BYTES, putChunkHead, wideId } from './chunk.ts';
import { CHUNK_HEAD, FRAME, FrameDecoder, NEED_MORE, OVERSIZED, readU32 } from './decode.ts';
import { putControl, viewOf, WriteBatch } from './encode.ts';
import { ACK, BLOB_CHUNK } from './frame.ts';
import { Region } from './landing.ts';

function chunk(id: number, chunkId: number, text: string, flags = 0): Buffer {
  const bytes = Buffer.alloc(CHUNK_FRAME_BYTES + text.length, 0xff);
  putChunkHead(viewOf(bytes), 0, id, 5, chunkId, flags, text.length);
  bytes.write(text, CHUNK_FRAME_BYTES, 'latin1');
  return bytes;
}

function ack(id: number): Buffer {
  const batch = new WriteBatch(Buffer.alloc(8192));
  putControl(batch, 0, ACK, id);
  return Buffer.from(batch.bytes.subarray(0, batch.length));
}

/** What a reader makes of a stream in pieces: a word for each frame, chunks with their bytes, unless their id is odd. */
function read(stream: Buffer, sizes: () => number): string[] {
  const decoder = new FrameDecoder();
  const found: string[] = [];
  let into = Buffer.alloc(0);
  for (let at = 0; at < stream.length; ) {
    const size = sizes();
    decoder.feed(Buffer.from(stream.subarray(at, at + size)));
    at += size;
    for (let step = decoder.next(1000); step !== NEED_MORE; step = decoder.next(1000)) {
      if (step === CHUNK_HEAD) {
        into = Buffer.alloc(readU32(decoder.chunkHead, 14) + 2, '_');
        if (decoder.peerMsgId % 2 === 0) decoder.land(new Region(into, 1));
      } else {
        assert.equal(step, FRAME);
        if (decoder.msgType !== BLOB_CHUNK) found.push(`ack ${decoder.peerMsgId}`);
        else if (decoder.payloadLength < CHUNK_HEAD_BYTES) found.push(`short ${decoder.payloadLength}`);
        else found.push(`${decoder.peerMsgId}:${into.toString('latin1')}`);
      }
      assert.ok(decoder.carriedBytes <= CHUNK_FRAME_BYTES);
    }
  }
  decoder.rest();
  return found;
}

test('[a1-pay-10] the head of a chunk, field by field, with ids beyond 2^32', () => {
  const bytes = chunk(0xffff_fffe, 2 ** 32 + 3, 'abc', 1);
  assert.equal(
    bytes.toString('hex'),
    `0001000000000008fffffffe${'00'.repeat(16)}00000015${'00000005'}${'0000000100000003'}${'0001'}${'00000003'}616263`,
  );
  assert.equal(wideId(1, 3), 2 ** 32 + 3);
  assert.equal(wideId(0x1f_ffff, 0xffff_ffff), Number.MAX_SAFE_INTEGER);
  assert.equal(wideId(0x20_0000, 0), Number.POSITIVE_INFINITY);
});

test('[a1-wire-3] [a1-brecv-11] whole, byte by byte and in random pieces: the same frames, landed or landed nowhere', () => {
  const short = chunk(7, 0, '').subarray(0, 32 + 17);
  short.writeUInt32BE(17, 28);
  const stream = Buffer.concat([
    ack(1),
    chunk(2, 0, 'abcdef'),
    chunk(3, 1, 'nobody wants this'),
    chunk(4, 2, ''),
    ack(5),
    short,
    chunk(6, 3, 'x'.repeat(300)),
    chunk(9, 4, ''),
    ack(8),
  ]);
  const whole = read(stream, () => stream.length);
  assert.deepEqual(whole, [
    'ack 1',
    '2:_abcdef_',
    `3:${'_'.repeat(19)}`,
    '4:__',
    'ack 5',
    'short 17',
    `6:_${'x'.repeat(300)}_`,
    '9:__',
    'ack 8',
  ]);
  assert.deepEqual(
    read(stream, () => 1),
    whole,
  );
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 90 })), (sizes) => {
      assert.deepEqual(
        read(stream, () => sizes.next().value),
        whole,
      );
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('[a1-wire-8] a chunk over the limit is refused from its header', () => {
  const decoder = new FrameDecoder();
  decoder.feed(chunk(1, 0, 'x'.repeat(100)).subarray(0, 32));
  assert.equal(decoder.next(117), OVERSIZED);
  const other = new FrameDecoder();
  other.feed(chunk(1, 0, 'x'.repeat(100)));
  assert.equal(other.next(118), CHUNK_HEAD);
});

test('a chunk that waits for its bytes is the cue for no memory, and what was landed stays where it is', () => {
  const decoder = new FrameDecoder();
  const bytes = chunk(1, 0, 'abcdef');
  decoder.feed(bytes.subarray(0, 32));
  assert.equal(decoder.next(1000), NEED_MORE);
  assert.equal(decoder.awaitsPayload, true);
  decoder.feed(bytes.subarray(32, 53));
  assert.equal(decoder.next(1000), CHUNK_HEAD);
  const into = Buffer.alloc(6);
  decoder.land(new Region(into, 0));
  assert.equal(decoder.next(1000), NEED_MORE);
  assert.equal(into.toString('latin1'), 'abc\0\0\0');
  decoder.feed(bytes.subarray(53));
  assert.equal(decoder.next(1000), FRAME);
  assert.equal(into.toString('latin1'), 'abcdef');
});
