import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BAD_VERSION, FRAME, FrameDecoder, NEED_MORE, OVERSIZED } from './decode.ts';
import { putControl, putError, putHeader, WriteBatch } from './encode.ts';
import { ACK, describeFrame, ERROR, FLAG_BLOB, FLAG_RECONNECT, HELLO } from './frame.ts';

function header(payloadLength: number, version = 1): Buffer {
  const batch = new WriteBatch(Buffer.alloc(8192));
  putHeader(batch, 0, 0x0100_0000, 7, 1, 2, payloadLength);
  batch.view.setUint16(0, version);
  return Buffer.from(batch.bytes.subarray(0, batch.length));
}

test('[case-87] a length over the limit is refused from the header alone', () => {
  for (const length of [101, 0xffff_ffff]) {
    const decoder = new FrameDecoder();
    decoder.feed(header(length));
    assert.equal(decoder.next(100), OVERSIZED);
    assert.equal(decoder.peerMsgId, 7);
    assert.ok(decoder.carriedBytes <= 32);
  }
});

test('a length at the limit is read', () => {
  const decoder = new FrameDecoder();
  decoder.feed(Buffer.concat([header(100), Buffer.alloc(100, 1)]));
  assert.equal(decoder.next(100), FRAME);
});

test('[a1-wire-12] the limit of messages cuts off no control frame and no error that we send', () => {
  const step = (msgType: number, length: number, limit: number): number => {
    const batch = new WriteBatch(Buffer.alloc(8192));
    putHeader(batch, 0, msgType, 7, 0, 0, length);
    const decoder = new FrameDecoder();
    decoder.feed(Buffer.from(batch.bytes.subarray(0, batch.length + length)));
    return decoder.next(limit);
  };
  for (const limit of [1, 8, 1027, 1028]) {
    assert.deepEqual([step(HELLO, 8, limit), step(HELLO, 9, limit)], [FRAME, OVERSIZED]);
    assert.deepEqual([step(ERROR, 1028, limit), step(ERROR, 1029, limit)], [FRAME, OVERSIZED]);
    assert.deepEqual([step(0x0100_0000, limit, limit), step(0x0100_0000, limit + 1, limit)], [FRAME, OVERSIZED]);
  }
  assert.deepEqual([step(ERROR, 2000, 2000), step(ERROR, 2001, 2000)], [FRAME, OVERSIZED]);
});

test('any other version than 1 is told before the length', () => {
  for (const version of [0, 2, 0x0100, 0xffff]) {
    const decoder = new FrameDecoder();
    decoder.feed(header(0xffff_ffff, version));
    assert.equal(decoder.next(100), BAD_VERSION);
  }
});

test('[case-87] a declared length takes no memory before its bytes come', () => {
  const decoder = new FrameDecoder();
  const limit = 64 * 1024 * 1024;
  decoder.feed(header(limit));
  assert.equal(decoder.next(limit), NEED_MORE);
  assert.equal(decoder.carriedBytes, 32);
  assert.equal(decoder.awaitsPayload, true);
  decoder.feed(Buffer.alloc(10));
  assert.equal(decoder.next(limit), NEED_MORE);
  assert.equal(decoder.carriedBytes, 42);
  assert.equal(decoder.awaitsPayload, false);
});

test('[case-86] truncated at every byte, a frame is never told', () => {
  const frame = Buffer.concat([header(40), Buffer.alloc(40, 5)]);
  for (let cut = 0; cut < frame.length; cut++) {
    const decoder = new FrameDecoder();
    decoder.feed(frame.subarray(0, cut));
    assert.equal(decoder.next(100), NEED_MORE, `cut at ${cut}`);
  }
});

test('random streams in random pieces: the same frames as a naive reader finds', () => {
  const frames = fc.array(fc.tuple(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 })), { maxLength: 12 });
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 200 })), (list, sizes) => {
      const parts = list.map(([id, payload]) => {
        const bytes = header(payload.length);
        bytes.writeUInt32BE(id, 8);
        return Buffer.concat([bytes, payload]);
      });
      const stream = Buffer.concat(parts);
      const decoder = new FrameDecoder();
      const found: string[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = sizes.next().value;
        decoder.feed(Buffer.from(stream.subarray(at, at + size)));
        at += size;
        while (decoder.next(1000) === FRAME) {
          const { peerMsgId, payload, payloadStart, payloadLength } = decoder;
          found.push(
            `${peerMsgId}:${Buffer.from(payload).toString('hex', payloadStart, payloadStart + payloadLength)}`,
          );
        }
      }
      assert.deepEqual(
        found,
        list.map(([id, payload]) => `${id}:${Buffer.from(payload).toString('hex')}`),
      );
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('an error text is cut at 1024 bytes on a character boundary', () => {
  for (const text of ['x'.repeat(2000), 'ä'.repeat(1000), `x${'€'.repeat(600)}`, '😀'.repeat(400)]) {
    const batch = new WriteBatch(Buffer.alloc(8192));
    putError(batch, 9, 4, text);
    const written = batch.bytes.toString('utf8', 36, batch.length);
    assert.ok(batch.length - 36 <= 1024 && batch.length - 36 > 1020);
    assert.ok(text.startsWith(written));
    assert.equal(batch.view.getUint32(28), batch.length - 32);
  }
});

test('describeFrame tells type, flags, id and destination, and no payload', () => {
  const fields = {
    flags: FLAG_BLOB | FLAG_RECONNECT,
    msgType: HELLO,
    peerMsgId: 0,
    dstHi: 0,
    dstLo: 0,
    payloadLength: 8,
  };
  assert.equal(describeFrame(fields), 'hello BLOB RECONNECT #0 (8 B)');
  const error = { flags: 0, msgType: ERROR, peerMsgId: 5, dstHi: 0, dstLo: 0, payloadLength: 4 };
  assert.equal(describeFrame(error, 11), 'error #5 taberna-busy (4 B)');
  const message = { flags: 0, msgType: 0x0100_0000, peerMsgId: 1, dstHi: 1, dstLo: 255, payloadLength: 3 };
  assert.equal(describeFrame(message), 'A3 message 0x1000000 #1 to 0x00000001000000ff (3 B)');
});

test('a batch has room for any frame until it has not', () => {
  const batch = new WriteBatch(Buffer.alloc(5000));
  let written = 0;
  while (batch.hasRoom) {
    putControl(batch, 0, ACK, written);
    written++;
  }
  assert.ok(batch.length <= 5000 && written > 10);
});
