/**
 * Cuts a stream of bytes into frames. Owns the carry of a frame that has not arrived whole; knows nothing of sessions.
 *
 * 1. Whole chunks and one byte at a time give the same frames.
 * 2. Version and length are judged from the header alone, before any payload is kept.
 * 3. A declared length takes no memory: the carry grows with the bytes that really came.
 * 4. Nothing is allocated per frame that lies whole in its chunk: the current frame stands in the decoder's fields.
 * 5. The bytes of a blob chunk go straight to where the reader of the decoder says (`land`), or nowhere; they are never
 *    gathered here.
 */
import { CHUNK_HEAD_BYTES } from './chunk.ts';
import { viewOf } from './encode.ts';
import { BLOB_CHUNK, HEADER_BYTES, payloadLimit, WIRE_VERSION } from './frame.ts';
import type { Landing } from './landing.ts';

/** What {@link FrameDecoder.next} found. */
export const NEED_MORE = 0;
export const FRAME = 1;
/** The header declares more than the limit; the header fields are set, the decoder is finished. */
export const OVERSIZED = 2;
/** The version is not 1; the decoder is finished. */
export const BAD_VERSION = 3;
/** A blob chunk says which one it is, in `chunkHead`; where its bytes shall go must be told before the next step. */
export const CHUNK_HEAD = 4;

export type DecodeStep = typeof NEED_MORE | typeof FRAME | typeof OVERSIZED | typeof BAD_VERSION | typeof CHUNK_HEAD;

const FIRST_CARRY_BYTES = 64 * 1024;
const NOTHING: Uint8Array = new Uint8Array(0);
const NO_VIEW: DataView = new DataView(new ArrayBuffer(0));

/** Reads one callis. Feed a chunk, then call `next` until it says NEED_MORE. */
export class FrameDecoder {
  flags = 0;
  msgType = 0;
  peerMsgId = 0;
  dstHi = 0;
  dstLo = 0;
  payloadLength = 0;
  /** Where the payload of the current frame begins in `payload`. */
  payloadStart = 0;
  /** True when `payload` is a buffer of this frame alone, false when it lies in the chunk that was fed. */
  payloadOwned = false;

  private chunk: Uint8Array = NOTHING;
  /** The same, once a header lies whole in it. */
  private view: DataView = NO_VIEW;
  /** What holds the payload of the current frame, and the same as plain bytes, once somebody has asked. */
  private holder: Uint8Array = NOTHING;
  private plain: Uint8Array = NOTHING;
  private at = 0;
  /** A header that came in pieces; no memory before the first such. */
  private header: DataView = NO_VIEW;
  private headerFill = 0;
  /** Payload bytes of the current frame that have come. */
  private carryFill = 0;
  private carry: Uint8Array = NOTHING;
  private head: Uint8Array = NOTHING;
  private landing: Landing | undefined = undefined;
  private isOwn = false;

  /** The eighteen bytes that say which chunk the current frame is; only at the step CHUNK_HEAD and until the frame ends. */
  get chunkHead(): Uint8Array {
    return this.head;
  }

  /** The bytes of the current chunk go there. */
  land(landing: Landing): void {
    this.landing = landing;
  }

  /** Where the payload of the current frame lies, as plain bytes: the `slice` and `subarray` of a Buffer are slow. */
  get payload(): Uint8Array {
    const { holder } = this;
    if (this.plain === NOTHING && holder !== NOTHING)
      this.plain = new Uint8Array(holder.buffer, holder.byteOffset, holder.length);
    return this.plain;
  }

  /** Gives the next chunk; the one before must have been read to NEED_MORE. `isOwn`: its memory is never written again. */
  feed(chunk: Uint8Array, isOwn = false): void {
    this.chunk = chunk;
    this.view = NO_VIEW;
    this.isOwn = isOwn;
    this.at = 0;
  }

  /** Goes to the next frame. `maxPayloadLength` is the limit in force now. */
  next(maxPayloadLength: number): DecodeStep {
    if (this.headerFill < HEADER_BYTES) {
      const { at } = this;
      let step: DecodeStep;
      if (this.headerFill === 0 && this.chunk.length - at >= HEADER_BYTES) {
        this.at = at + HEADER_BYTES;
        this.headerFill = HEADER_BYTES;
        if (this.view === NO_VIEW) this.view = viewOf(this.chunk);
        step = this.parseHeader(this.view, at, maxPayloadLength);
      } else {
        step = this.gatherHeader(maxPayloadLength);
      }
      if (step !== FRAME) return step;
    }
    return this.readPayload();
  }

  /** True when the last chunk ended right behind a header whose payload has not begun (the cue for a nudge). */
  get awaitsPayload(): boolean {
    return this.headerFill === HEADER_BYTES && this.carryFill === 0;
  }

  /** Bytes that are kept for a frame that has not arrived whole. Those of a chunk are kept by its stream. */
  get carriedBytes(): number {
    const kept = this.msgType === BLOB_CHUNK ? Math.min(this.carryFill, CHUNK_HEAD_BYTES) : this.carryFill;
    return this.headerFill + kept;
  }

  /** Lets go of the chunk, so that an idle callis pins no read buffer. */
  rest(): void {
    this.chunk = NOTHING;
    this.view = NO_VIEW;
    this.at = 0;
    this.hold(NOTHING);
  }

  /** A header that does not lie whole in the chunk; byte by byte, for so few a view of the chunk costs more. */
  private gatherHeader(maxPayloadLength: number): DecodeStep {
    const { chunk } = this;
    if (this.at === chunk.length) return NEED_MORE;
    if (this.header === NO_VIEW) this.header = new DataView(new ArrayBuffer(HEADER_BYTES));
    const wanted = Math.min(HEADER_BYTES - this.headerFill, chunk.length - this.at);
    for (let left = wanted; left > 0; left--) this.header.setUint8(this.headerFill++, chunk[this.at++]!);
    return this.headerFill < HEADER_BYTES ? NEED_MORE : this.parseHeader(this.header, 0, maxPayloadLength);
  }

  private parseHeader(view: DataView, at: number, maxPayloadLength: number): DecodeStep {
    const versionAndFlags = view.getUint32(at);
    const msgType = view.getUint32(at + 4);
    const payloadLength = view.getUint32(at + 28);
    this.flags = versionAndFlags & 0xffff;
    this.msgType = msgType;
    this.peerMsgId = view.getUint32(at + 8);
    this.payloadLength = payloadLength;
    if (versionAndFlags >>> 16 !== WIRE_VERSION) return BAD_VERSION;
    this.dstHi = view.getUint32(at + 20);
    this.dstLo = view.getUint32(at + 24);
    return payloadLength > payloadLimit(msgType, maxPayloadLength) ? OVERSIZED : FRAME;
  }

  private readPayload(): DecodeStep {
    const { chunk, payloadLength } = this;
    if (this.msgType === BLOB_CHUNK && payloadLength >= CHUNK_HEAD_BYTES) return this.readChunk();
    if (this.carryFill === 0 && chunk.length - this.at >= payloadLength) {
      if (this.holder !== chunk) this.hold(chunk);
      this.payloadStart = this.at;
      this.payloadOwned = false;
      this.at += payloadLength;
      this.headerFill = 0;
      return FRAME;
    }
    const wanted = Math.min(payloadLength - this.carryFill, chunk.length - this.at);
    if (wanted === 0) return NEED_MORE;
    this.growCarry(this.carryFill + wanted);
    this.carry.set(chunk.subarray(this.at, this.at + wanted), this.carryFill);
    this.carryFill += wanted;
    this.at += wanted;
    return this.carryFill < payloadLength ? NEED_MORE : this.finishCarry();
  }

  private readChunk(): DecodeStep {
    const { chunk } = this;
    if (this.carryFill < CHUNK_HEAD_BYTES) {
      if (this.head === NOTHING) this.head = new Uint8Array(CHUNK_HEAD_BYTES);
      const count = Math.min(CHUNK_HEAD_BYTES - this.carryFill, chunk.length - this.at);
      this.head.set(new Uint8Array(chunk.buffer, chunk.byteOffset + this.at, count), this.carryFill);
      this.at += count;
      this.carryFill += count;
      return this.carryFill < CHUNK_HEAD_BYTES ? NEED_MORE : CHUNK_HEAD;
    }
    const count = Math.min(this.payloadLength - this.carryFill, chunk.length - this.at);
    if (count > 0) this.landing?.take(chunk, this.at, count, this.isOwn);
    this.at += count;
    this.carryFill += count;
    if (this.carryFill < this.payloadLength) return NEED_MORE;
    this.landing = undefined;
    this.carryFill = 0;
    this.headerFill = 0;
    return FRAME;
  }

  private hold(bytes: Uint8Array): void {
    this.holder = bytes;
    this.plain = NOTHING;
  }

  private finishCarry(): DecodeStep {
    this.hold(this.carry);
    this.payloadStart = 0;
    this.payloadOwned = true;
    this.carry = NOTHING;
    this.carryFill = 0;
    this.headerFill = 0;
    return FRAME;
  }

  private growCarry(needed: number): void {
    if (this.carry.length >= needed) return;
    const size = Math.min(this.payloadLength, Math.max(needed, FIRST_CARRY_BYTES, this.carry.length * 2));
    const { buffer } = Buffer.allocUnsafeSlow(size);
    const grown = new Uint8Array(buffer);
    grown.set(this.carry.subarray(0, this.carryFill));
    this.carry = grown;
  }
}

/** The u32 at `at`, which the caller knows to be inside. A DataView for each chunk costs more than it saves. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
