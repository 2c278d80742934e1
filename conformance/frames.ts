/** Frames as a case writes them, right or wrong, and their bytes (a1-wire, frame). Shares no code with the implementations. */

export const HEADER_BYTES = 32;

export const HELLO = 1;
export const HELLO_RESPONSE = 2;
export const KEEPALIVE = 3;
export const ACK = 4;
export const CLOSE = 5;
export const ERROR = 6;
export const CHUNK = 8;
export const COMPLETE = 9;
/** The first type of the services layer. */
export const A2_MESSAGE = 0x0001_0000;
/** The first type of applications. */
export const A3_MESSAGE = 0x0100_0000;

/** Bytes in front of those of a chunk. */
export const CHUNK_HEAD_BYTES = 18;
/** The flag of a chunk. */
export const LAST_CHUNK = 0x0001;

export const BLOB = 0x0001;
export const RECONNECT = 0x0002;

/**
 * What a taberna of the implementation does with its requests: `hold` takes them and waits for a decision, `undecodable`
 * has a codec that refuses every message, nobody takes requests from `untaken`, and nobody registers `unknown`.
 */
export type Temper = 'accept' | 'reject' | 'hold' | 'undecodable' | 'untaken' | 'unknown';

/**
 * The same for tabernae of blobs: `blob-reader` accepts and reads at once, `blob-sleeper` accepts and reads when it is told to,
 * `blob-reject` rejects, and `blob-hold` waits for a decision and reads then.
 */
export type BlobTemper = 'blob-reader' | 'blob-sleeper' | 'blob-reject' | 'blob-hold';

/** A frame as a case means it; what is left out is 0 or empty, and the version 1. */
export interface Frame {
  readonly version?: number;
  readonly flags?: number;
  readonly type: number;
  /** A number, or the text of a message of the implementation that has come: its id. */
  readonly id?: number | string;
  readonly src?: bigint;
  /** A number, or the taberna of this temper that the case has at the implementation. */
  readonly dst?: bigint | Temper | BlobTemper;
  /** The stream, by its number or the text of its message: stands in the first four bytes of the payload. */
  readonly stream?: number | string;
  readonly payload?: Uint8Array;
  /** Instead of the true length. */
  readonly payloadLength?: number;
}

/** A frame whose names have become numbers. */
export interface PlainFrame extends Frame {
  readonly id?: number;
  readonly dst?: bigint;
  readonly stream?: number;
}

/** One frame or several. */
export type Frames = Frame | readonly Frame[];

export function listOf(frames: Frames): readonly Frame[] {
  return 'type' in frames ? [frames] : frames;
}

/** The bytes of a frame. */
export function encodeFrame(frame: PlainFrame): Buffer {
  const { payload = new Uint8Array(0), stream } = frame;
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt16BE(frame.version ?? 1, 0);
  bytes.writeUInt16BE(frame.flags ?? 0, 2);
  bytes.writeUInt32BE(frame.type, 4);
  bytes.writeUInt32BE(frame.id ?? 0, 8);
  bytes.writeBigUInt64BE(frame.src ?? 0n, 12);
  bytes.writeBigUInt64BE(frame.dst ?? 0n, 20);
  bytes.writeUInt32BE(frame.payloadLength ?? payload.length, 28);
  bytes.set(payload, HEADER_BYTES);
  if (stream !== undefined) bytes.writeUInt32BE(stream, HEADER_BYTES);
  return bytes;
}

export function hello(over: Partial<Frame> = {}): Frame {
  return { type: HELLO, ...over };
}

export function helloResponse(over: Partial<Frame> = {}): Frame {
  return { type: HELLO_RESPONSE, ...over };
}

export function keepalive(over: Partial<Frame> = {}): Frame {
  return { type: KEEPALIVE, ...over };
}

export function ack(id: number | string, over: Partial<Frame> = {}): Frame {
  return { type: ACK, id, ...over };
}

export function close(over: Partial<Frame> = {}): Frame {
  return { type: CLOSE, ...over };
}

/** An error frame; `text` may be bytes that are no text. */
export function error(id: number | string, errorId: number, text: string | Uint8Array = ''): Frame {
  return { type: ERROR, id, payload: errorPayload(errorId, text) };
}

/** An A3 message with a text as its payload. */
export function message(id: number, dst: bigint | Temper, text: string, over: Partial<Frame> = {}): Frame {
  return { type: A3_MESSAGE, id, dst, payload: Buffer.from(text), ...over };
}

/** A chunk of a blob stream that nobody has opened, well formed. */
export function chunk(over: Partial<Frame> = {}): Frame {
  return { type: CHUNK, id: 1, payload: Buffer.alloc(18), ...over };
}

/** The completion of a blob stream that nobody has opened, well formed. */
export function complete(over: Partial<Frame> = {}): Frame {
  return { type: COMPLETE, id: 1, payload: Buffer.alloc(4), ...over };
}

export function errorPayload(errorId: number, text: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(errorId);
  return Buffer.concat([bytes, typeof text === 'string' ? Buffer.from(text) : text]);
}

const NAMES: Readonly<Record<number, string>> = {
  [HELLO]: 'hello',
  [HELLO_RESPONSE]: 'hello-response',
  [KEEPALIVE]: 'keepalive',
  [ACK]: 'ack',
  [CLOSE]: 'close',
  [ERROR]: 'error',
  [CHUNK]: 'chunk',
  [COMPLETE]: 'complete',
};

/** The word for a message type. */
export function typeName(type: number): string {
  if (type > 0xffff) return `${type < A3_MESSAGE ? 'A2' : 'A3'} message`;
  return NAMES[type] ?? `type ${type}`;
}

/** One line about a frame, for the texts of steps. */
export function frameText(frame: Frame): string {
  const { version, flags, type, id = 0, src, dst, stream, payload, payloadLength } = frame;
  const parts = [
    `${typeName(type)} #${id}`,
    dst === undefined ? '' : `to ${dst}`,
    stream === undefined ? '' : `of ${stream}`,
    version === undefined ? '' : `version ${version}`,
    flags === undefined ? '' : `flags 0x${flags.toString(16)}`,
    src === undefined ? '' : `src ${src}`,
    payload === undefined ? '' : `${payload.length} B`,
    payloadLength === undefined ? '' : `payload_len ${payloadLength}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}
