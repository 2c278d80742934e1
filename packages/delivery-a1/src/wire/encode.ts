/**
 * Writes frames into a batch: one buffer that becomes one write of a callis (connection). Nothing is allocated per
 * frame but the bytes of an error text.
 */
import { BLOB_COMPLETE, ERROR, ERROR_TEXT_MAX_BYTES, HEADER_BYTES, WIRE_VERSION } from './frame.ts';

/** Payloads from here on are not copied into the batch but written by reference behind it. */
export const ATTACH_FROM_BYTES = 4096;

/** Room that is always enough for one frame without an attachment. */
export const FRAME_ROOM_BYTES: number = HEADER_BYTES + ATTACH_FROM_BYTES;

/**
 * The frames of one write: `bytes[start..length]`, and behind them the attachment, where present: the payload of the
 * last frame, or whole frames that lie ready elsewhere. A batch with an attachment is full.
 */
export class WriteBatch {
  bytes: Buffer;
  view: DataView;
  /** Where this batch begins in its buffer. */
  start = 0;
  /** Where the next frame goes. */
  length = 0;
  attachment: Uint8Array | undefined = undefined;
  /** Of the message whose payload that is, signed. */
  attachmentId = 0;
  /** Where it is frames: to be called when they have left. */
  attachmentFlushed: (() => void) | undefined = undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  get isEmpty(): boolean {
    return this.length === this.start && this.attachment === undefined;
  }

  /** There are frames in `bytes`, and not in the attachment alone. */
  get hasBytes(): boolean {
    return this.length > this.start;
  }

  /** True when any single frame still fits. */
  get hasRoom(): boolean {
    return this.attachment === undefined && this.bytes.length - this.length >= FRAME_ROOM_BYTES;
  }

  /** Begins anew at the start of the same buffer. */
  reset(): void {
    this.start = 0;
    this.length = 0;
    this.attachment = undefined;
  }

  /** Begins anew in a region of another buffer. */
  moveTo(bytes: Buffer, view: DataView, start: number): void {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.length = start;
    this.attachment = undefined;
  }
}

/** A view over exactly the bytes of a buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Appends a header. The caller has made sure of the room. */
export function putHeader(
  batch: WriteBatch,
  flags: number,
  msgType: number,
  peerMsgId: number,
  dstHi: number,
  dstLo: number,
  payloadLength: number,
): void {
  const { view } = batch;
  const at = batch.length;
  view.setUint32(at, (WIRE_VERSION << 16) | flags);
  view.setUint32(at + 4, msgType);
  view.setUint32(at + 8, peerMsgId);
  view.setUint32(at + 12, 0);
  view.setUint32(at + 16, 0);
  view.setUint32(at + 20, dstHi);
  view.setUint32(at + 24, dstLo);
  view.setUint32(at + 28, payloadLength);
  batch.length = at + HEADER_BYTES;
}

/** Appends a frame that has no payload and no destination: hello, hello-response, keepalive, ack, close. */
export function putControl(batch: WriteBatch, flags: number, msgType: number, peerMsgId: number): void {
  putHeader(batch, flags, msgType, peerMsgId, 0, 0, 0);
}

/** Appends a hello or hello-response of a blob callis, with the numbers that it proposes or agrees to. */
export function putBlobGreeting(
  batch: WriteBatch,
  flags: number,
  msgType: number,
  peerMsgId: number,
  chunkBytes: number,
  window: number,
): void {
  putHeader(batch, flags, msgType, peerMsgId, 0, 0, 8);
  batch.view.setUint32(batch.length, chunkBytes);
  batch.view.setUint32(batch.length + 4, window);
  batch.length += 8;
}

/** Appends the word that every chunk of a blob stream has arrived. */
export function putComplete(batch: WriteBatch, peerMsgId: number, streamId: number): void {
  putHeader(batch, 0, BLOB_COMPLETE, peerMsgId, 0, 0, 4);
  batch.view.setUint32(batch.length, streamId);
  batch.length += 4;
}

/**
 * Appends whole frames that lie ready elsewhere: small ones are copied, large ones become the attachment. `flushed` is called when no
 * write refers to their memory any more.
 */
export function putFrames(batch: WriteBatch, frames: Uint8Array, flushed: () => void): void {
  if (frames.length >= ATTACH_FROM_BYTES) {
    batch.attachment = frames;
    batch.attachmentFlushed = flushed;
    return;
  }
  batch.bytes.set(frames, batch.length);
  batch.length += frames.length;
  flushed();
}

/** Appends an error frame that answers `peerMsgId`; a long text is cut on a character boundary. */
export function putError(batch: WriteBatch, peerMsgId: number, errorId: number, text: string): void {
  const start = batch.length;
  const textAt = start + HEADER_BYTES + 4;
  const room = Math.min(ERROR_TEXT_MAX_BYTES, batch.bytes.length - textAt);
  // Buffer.write never writes part of a character, and replaces lone surrogates.
  const textBytes = batch.bytes.write(text, textAt, room, 'utf8');
  putHeader(batch, 0, ERROR, peerMsgId, 0, 0, 4 + textBytes);
  batch.view.setUint32(start + HEADER_BYTES, errorId);
  batch.length = textAt + textBytes;
}

/** Appends a message. A large payload becomes the attachment of the batch and is referenced, not copied. */
export function putMessage(
  batch: WriteBatch,
  flags: number,
  msgType: number,
  peerMsgId: number,
  dstHi: number,
  dstLo: number,
  payload: Uint8Array,
): void {
  putHeader(batch, flags, msgType, peerMsgId, dstHi, dstLo, payload.length);
  if (payload.length >= ATTACH_FROM_BYTES) {
    batch.attachment = payload;
    batch.attachmentId = peerMsgId | 0;
    batch.attachmentFlushed = undefined;
    return;
  }
  batch.bytes.set(payload, batch.length);
  batch.length += payload.length;
}
