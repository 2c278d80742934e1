/** A peer without a machine: a test writes its bytes and reads what comes. For hostile and for very exact scenarios. */
import { describeFrame, HEADER_BYTES } from '@flaminia/delivery-a1/internal';
import type { End, Party } from './connection.ts';
import { ReferenceReader } from './reference-reader.ts';
import type { World } from './world.ts';

/** The fields of a frame that a raw peer writes; what is left out is 0 or empty. */
export interface RawFrame {
  readonly version?: number;
  readonly flags?: number;
  readonly type: number;
  readonly id?: number;
  readonly dst?: number;
  readonly payload?: Uint8Array;
  /** Instead of the true length. */
  readonly payloadLength?: number;
}

export class RawPeer implements Party {
  readonly index: number;
  readonly address: string;
  isUp = true;
  isListening = true;
  pausedUntil = 0;
  /** Connections that it has, in the order in which they came. */
  readonly ends: End[] = [];
  /** What it has read, a line for each frame; `end` where a connection ended. */
  readonly read: string[] = [];
  /** Answers each hello by itself: that of a primary plainly, that of a blob callis with its own flags and numbers. */
  answersHello = true;
  private readonly world: World;
  private readonly rest = new Map<End, Buffer>();
  private sequence = 0;

  constructor(world: World, index: number) {
    this.world = world;
    this.index = index;
    this.address = world.addressOf(index);
    world.parties[index] = this;
  }

  /** Dials; the connection is at the end of `ends` once A0 has passed. */
  dial(to: number): void {
    this.world.network.dial(this, to, (end, why) => {
      if (end === undefined) this.read.push(`dial failed: ${why}`);
      else this.open(end);
    });
  }

  /** Writes frames on the newest connection, or on `end`. */
  write(frames: readonly RawFrame[], end: End = this.ends.at(-1)!): void {
    this.world.network.write(end, Buffer.concat(frames.map(encodeFrame)));
  }

  /** Writes bytes as they are. */
  writeBytes(bytes: Uint8Array, end: End = this.ends.at(-1)!): void {
    this.world.network.write(end, bytes);
  }

  hangUp(end: End = this.ends.at(-1)!): void {
    this.world.network.destroy(end);
  }

  nextChallenge(): number {
    return ++this.sequence;
  }

  accept(end: End): void {
    this.open(end);
  }

  bytes(end: End, chunk: Buffer): void {
    let bytes = Buffer.concat([this.rest.get(end) ?? Buffer.alloc(0), chunk]);
    while (bytes.length >= HEADER_BYTES && bytes.length >= HEADER_BYTES + bytes.readUInt32BE(28)) {
      const length = HEADER_BYTES + bytes.readUInt32BE(28);
      this.frame(end, bytes.subarray(0, length));
      bytes = bytes.subarray(length);
    }
    this.rest.set(end, bytes);
  }

  ended(end: End): void {
    this.read.push('end');
    this.world.network.destroy(end);
  }

  drained(): void {}

  private open(end: End): void {
    end.joined = true;
    this.ends.push(end);
  }

  private frame(end: End, bytes: Buffer): void {
    const reader = new ReferenceReader();
    reader.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    this.read.push(lineOf(reader));
    if (reader.type !== 1 || !this.answersHello) return;
    // A blob hello is answered with what it says and proposes.
    const flags = (reader.flags & 1) === 0 ? 0 : reader.flags;
    this.write([{ type: 2, flags, payload: Buffer.from(bytes.subarray(HEADER_BYTES)) }], end);
  }
}

/** One line about the frame that the reader read last. */
export function lineOf(reader: ReferenceReader): string {
  const { flags, type, id, dstHi, dstLo, payloadLength, errorId } = reader;
  const fields = { flags, msgType: type, peerMsgId: id, dstHi, dstLo, payloadLength };
  return describeFrame(fields, errorId === 0 ? undefined : errorId) + blobText(reader);
}

function blobText({ type, flags, streamId, chunkId, isLast, chunkBytes, window }: ReferenceReader): string {
  if (type === 8) return ` ${isLast ? 'last ' : ''}chunk ${chunkId} of #${streamId}`;
  if (type === 9) return ` of #${streamId}`;
  return type <= 2 && (flags & 1) !== 0 ? ` ${chunkBytes} x ${window}` : '';
}

/** The bytes of a frame, right or wrong. */
export function encodeFrame(frame: RawFrame): Buffer {
  const payload = frame.payload ?? new Uint8Array(0);
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt16BE(frame.version ?? 1, 0);
  bytes.writeUInt16BE(frame.flags ?? 0, 2);
  bytes.writeUInt32BE(frame.type, 4);
  bytes.writeUInt32BE(frame.id ?? 0, 8);
  bytes.writeUInt32BE(frame.dst ?? 0, 24);
  bytes.writeUInt32BE(frame.payloadLength ?? payload.length, 28);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** The payload of an error frame. */
export function errorPayload(errorId: number, text = ''): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeUInt32BE(errorId, 0);
  bytes.write(text, 4);
  return bytes;
}

/** The payload of a blob hello or its response. */
export function numbersPayload(chunkSize: number, window: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(chunkSize, 0);
  bytes.writeUInt32BE(window, 4);
  return bytes;
}

/** What of a chunk's head is not as its bytes say. */
export interface OddChunk {
  readonly flags?: number;
  readonly length?: number;
}

/** The payload of a chunk; flags 1 marks the last. */
export function chunkPayload(stream: number, chunk: number, bytes: Uint8Array, odd: OddChunk = {}): Buffer {
  const head = Buffer.alloc(18);
  head.writeUInt32BE(stream, 0);
  head.writeBigUInt64BE(BigInt(chunk), 4);
  head.writeUInt16BE(odd.flags ?? 0, 12);
  head.writeUInt32BE(odd.length ?? bytes.length, 14);
  return Buffer.concat([head, bytes]);
}

/** The payload of a complete. */
export function completePayload(stream: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(stream, 0);
  return bytes;
}
