/** Frames as tests write and read them: bytes of one frame, and a line for each frame in some bytes. */
import assert from 'node:assert/strict';
import { FRAME, FrameDecoder, NEED_MORE } from '../src/wire/decode.ts';
import { putBlobGreeting, putControl, putError, putHeader, putMessage, WriteBatch } from '../src/wire/encode.ts';
import { describeFrame, ERROR, FLAG_BLOB, FLAG_RECONNECT, HELLO, HELLO_RESPONSE } from '../src/wire/frame.ts';

const NO_LIMIT = 2 ** 32 - 1;

function encode(length: number, put: (batch: WriteBatch) => void): Buffer {
  const batch = new WriteBatch(Buffer.alloc(length));
  put(batch);
  const frame = batch.bytes.subarray(0, batch.length);
  return batch.attachment === undefined ? frame : Buffer.concat([frame, batch.attachment]);
}

export function control(msgType: number, id = 0, flags = 0): Buffer {
  return encode(32, (batch) => putControl(batch, flags, msgType, id));
}

export function hello(flags = 0): Buffer {
  return control(HELLO, 0, flags);
}

export function helloResponse(flags = 0): Buffer {
  return control(HELLO_RESPONSE, 0, flags);
}

export const RECONNECT: number = FLAG_RECONNECT;

export function errorFrame(id: number, errorId: number, text = ''): Buffer {
  return encode(32 + 4 + Buffer.byteLength(text), (batch) => putError(batch, id, errorId, text));
}

export function message(
  id: number,
  dst: number,
  payload: string | Uint8Array,
  msgType = 0x0100_0000,
  flags = 0,
): Buffer {
  const bytes = Buffer.from(payload);
  return encode(32 + bytes.length, (batch) => putMessage(batch, flags, msgType, id, 0, dst, bytes));
}

/** A message that opens a blob stream. */
export function opener(id: number, dst: number, payload: string): Buffer {
  return message(id, dst, payload, 0x0100_0000, FLAG_BLOB);
}

/** A plain hello of a blob callis. */
export function blobHello(chunkBytes: number, window: number): Buffer {
  return encode(40, (batch) => putBlobGreeting(batch, FLAG_BLOB, HELLO, 0, chunkBytes, window));
}

/** A header alone, whatever length it declares. */
export function header(msgType: number, id: number, dst: number, payloadLength: number): Buffer {
  return encode(32, (batch) => putHeader(batch, 0, msgType, id, 0, dst, payloadLength));
}

/** A frame taken apart. */
export interface Frame {
  readonly line: string;
  readonly id: number;
  readonly msgType: number;
  readonly payload: Buffer;
  /** Header and payload as they were written. */
  readonly bytes: Buffer;
}

/** The frames that some bytes hold; they must end with a whole one. */
export function framesOf(bytes: Buffer): Frame[] {
  const decoder = new FrameDecoder();
  decoder.feed(bytes);
  const frames: Frame[] = [];
  let start = 0;
  for (let step = decoder.next(NO_LIMIT); step !== NEED_MORE; step = decoder.next(NO_LIMIT)) {
    assert.equal(step, FRAME);
    const { payloadStart, payloadLength, msgType, peerMsgId } = decoder;
    const payload = Buffer.from(decoder.payload.subarray(payloadStart, payloadStart + payloadLength));
    const frame = Buffer.from(bytes.subarray(start, payloadStart + payloadLength));
    start += frame.length;
    const errorId = msgType === ERROR ? payload.readUInt32BE() : undefined;
    frames.push({ line: describeFrame(decoder, errorId), id: peerMsgId, msgType, payload, bytes: frame });
  }
  assert.equal(decoder.carriedBytes, 0, 'the bytes end within a frame');
  return frames;
}
