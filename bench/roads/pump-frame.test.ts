import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameDecoder } from '@flaminia/delivery-a1/internal';
import { FrameCutter, HEADER_BYTES, idAt, writeAck, writeMessageHeader } from './pump-frame.ts';

/** Messages with the given payload lengths, ids from 1 on, and one ack behind them. */
function stream(payloads: readonly number[]): Buffer {
  const frames = payloads.map((payloadBytes, index) => {
    const frame = Buffer.alloc(HEADER_BYTES + payloadBytes, 0xff);
    writeMessageHeader(new DataView(frame.buffer, frame.byteOffset), 0, index + 1, payloadBytes);
    return frame;
  });
  const ack = Buffer.alloc(HEADER_BYTES);
  writeAck(new DataView(ack.buffer, ack.byteOffset), 0, 0xffff_fffe);
  return Buffer.concat([...frames, ack]);
}

function cutIn(bytes: Buffer, pieceBytes: number): number[] {
  const ids: number[] = [];
  const cutter = new FrameCutter((chunk, at) => ids.push(idAt(chunk, at)));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    cutter.cut(piece, piece.length);
  }
  return ids;
}

test('[a1-wire-1] what the pumps write are frames of the wire', () => {
  const decoder = new FrameDecoder();
  const decoded: number[][] = [];
  decoder.feed(stream([64, 0]));
  for (let left = 3; left > 0; left--) {
    assert.equal(decoder.next(64), 1);
    decoded.push([decoder.msgType, decoder.flags, decoder.peerMsgId, decoder.payloadLength]);
  }
  assert.deepEqual(decoded, [
    [0x0100_0000, 0, 1, 64],
    [0x0100_0000, 0, 2, 0],
    [4, 0, 0xffff_fffe, 0],
  ]);
});

test('[a1-wire-3] the cutter finds the same frames however they were cut', () => {
  const bytes = stream([0, 1, 64, 31, 32, 33, 1_000, 0, 0, 5]);
  const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xffff_fffe];
  for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes++) {
    assert.deepEqual(cutIn(bytes, pieceBytes), ids, `pieces of ${pieceBytes}`);
  }
});

test('a frame is told only when its last byte has arrived', () => {
  const bytes = stream([64]);
  assert.deepEqual(cutIn(bytes.subarray(0, HEADER_BYTES + 63), 50), []);
  assert.deepEqual(cutIn(bytes.subarray(0, HEADER_BYTES + 64), 50), [1]);
});

test('only the first bytes of a reused buffer count', () => {
  const ids: number[] = [];
  const cutter = new FrameCutter((chunk, at) => ids.push(idAt(chunk, at)));
  const reused = Buffer.concat([stream([8]), stream([8])]);
  cutter.cut(reused, 2 * HEADER_BYTES + 8);
  assert.deepEqual(ids, [1, 0xffff_fffe]);
});
