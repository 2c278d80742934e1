/**
 * A frame that the implementation has written, and what every such frame must look like whatever the case is about
 * (a1-wire, frame and payloads).
 */
import {
  ACK,
  BLOB,
  CHUNK,
  CHUNK_HEAD_BYTES,
  CLOSE,
  COMPLETE,
  ERROR,
  HEADER_BYTES,
  HELLO,
  HELLO_RESPONSE,
  KEEPALIVE,
  LAST_CHUNK,
  RECONNECT,
  typeName,
} from './frames.ts';

const HELLO_FLAGS = BLOB | RECONNECT;
const ERROR_TEXT_MAX_BYTES = 1024;
const LAST_ERROR_ID = 26;

export interface ReceivedFrame {
  readonly version: number;
  readonly flags: number;
  readonly type: number;
  readonly id: number;
  readonly src: bigint;
  readonly dst: bigint;
  readonly payload: Buffer;
  /** Of an error frame; otherwise 0. */
  readonly errorId: number;
}

/** Reads a whole frame. */
export function readFrame(bytes: Buffer): ReceivedFrame {
  const type = bytes.readUInt32BE(4);
  const payload = bytes.subarray(HEADER_BYTES);
  return {
    version: bytes.readUInt16BE(0),
    flags: bytes.readUInt16BE(2),
    type,
    id: bytes.readUInt32BE(8),
    src: bytes.readBigUInt64BE(12),
    dst: bytes.readBigUInt64BE(20),
    payload,
    errorId: type === ERROR && payload.length >= 4 ? payload.readUInt32BE() : 0,
  };
}

/** What is wrong with a frame wherever it stands; undefined if nothing is. */
export function faultOf(frame: ReceivedFrame): string | undefined {
  const { version, type, flags, src, dst } = frame;
  const isMessage = type > 0xffff;
  const isHello = type === HELLO || type === HELLO_RESPONSE;
  if (version !== 1) return `version ${version}`;
  if (src !== 0n) return `src_taberna ${src}`;
  if (!isMessage && dst !== 0n) return `dst_taberna ${dst} on a control frame`;
  const allowed = isHello ? HELLO_FLAGS : isMessage ? BLOB : 0;
  if ((flags & ~allowed) !== 0) return `flags 0x${flags.toString(16)}`;
  return isMessage ? undefined : controlFault(frame);
}

function controlFault({ type, flags, id, payload, errorId }: ReceivedFrame): string | undefined {
  if ((type === HELLO || type === KEEPALIVE || type === CLOSE) && id !== 0) return `id ${id}`;
  const isPrimary = (flags & BLOB) === 0;
  if ((type === HELLO || type === HELLO_RESPONSE) && !isPrimary && payload.length !== 8) return 'no two numbers';
  if (type === COMPLETE && payload.length !== 4) return `${payload.length} bytes of payload`;
  if (type === CHUNK) return chunkFault(payload);
  const isEmpty = type === KEEPALIVE || type === ACK || type === CLOSE;
  if ((isEmpty || ((type === HELLO || type === HELLO_RESPONSE) && isPrimary)) && payload.length !== 0) {
    return `a payload of ${payload.length} bytes`;
  }
  if (type === ERROR) {
    if (payload.length < 4 || payload.length > 4 + ERROR_TEXT_MAX_BYTES) return `${payload.length} bytes of payload`;
    if (errorId < 1 || errorId > LAST_ERROR_ID) return `error id ${errorId}`;
    if (!Buffer.from(payload.subarray(4).toString()).equals(payload.subarray(4))) return 'a text that is not UTF-8';
  }
  return type < HELLO || type === 7 || type > 9 ? 'a type that nobody may write' : undefined;
}

function chunkFault(payload: Buffer): string | undefined {
  if (payload.length < CHUNK_HEAD_BYTES) return `${payload.length} bytes of payload`;
  if (payload.readUInt32BE(14) !== payload.length - CHUNK_HEAD_BYTES) return `chunk_len ${payload.readUInt32BE(14)}`;
  const flags = payload.readUInt16BE(12);
  return (flags & ~LAST_CHUNK) === 0 ? undefined : `chunk flags 0x${flags.toString(16)}`;
}

/** One line about it. */
export function receivedText(frame: ReceivedFrame): string {
  const { type, flags, id, errorId, dst, payload } = frame;
  const isBlobHello = (type === HELLO || type === HELLO_RESPONSE) && (flags & BLOB) !== 0;
  const marks = `${flags & BLOB ? ' BLOB' : ''}${flags & RECONNECT ? ' RECONNECT' : ''}`;
  if (type === ERROR) return `error ${errorId} for #${id} "${payload.subarray(4)}"`;
  if (type > 0xffff) return `${typeName(type)}${marks} #${id} to ${dst} (${payload.length} B)`;
  if (type === CHUNK) return `chunk ${payload.readBigUInt64BE(4)} of ${payload.readUInt32BE()} #${id}`;
  if (isBlobHello && payload.length === 8) {
    return `${typeName(type)}${marks} #${id} ${payload.readUInt32BE()} x ${payload.readUInt32BE(4)}`;
  }
  return `${typeName(type)}${marks} #${id}`;
}

/** Cuts bytes into frames, however they come. */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole with this chunk. */
  cut(chunk: Buffer): ReceivedFrame[] {
    let bytes = Buffer.concat([this.#rest, chunk]);
    const frames: ReceivedFrame[] = [];
    while (bytes.length >= HEADER_BYTES && bytes.length >= HEADER_BYTES + bytes.readUInt32BE(28)) {
      const length = HEADER_BYTES + bytes.readUInt32BE(28);
      frames.push(readFrame(bytes.subarray(0, length)));
      bytes = bytes.subarray(length);
    }
    this.#rest = bytes;
    return frames;
  }
}
