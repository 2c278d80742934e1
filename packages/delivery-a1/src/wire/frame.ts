/**
 * The words of the A1 wire: header layout, frame types, flags, and which flag may stand on which frame
 * (a1-wire). Pure data; encoding and decoding stand in `encode.ts` and `decode.ts`.
 */
import { errorKindOf } from '@flaminia/transport-a0';

/** Bytes of the header that begins every frame. */
export const HEADER_BYTES = 32;

/** The only protocol version there is. */
export const WIRE_VERSION = 1;

/** This hello, hello-response or message concerns blobs. */
export const FLAG_BLOB = 0x0001;
/** The sender of this hello or hello-response still holds the session. */
export const FLAG_RECONNECT = 0x0002;

export const HELLO = 1;
export const HELLO_RESPONSE = 2;
export const KEEPALIVE = 3;
export const ACK = 4;
export const CLOSE = 5;
export const ERROR = 6;
export const BLOB_CHUNK = 8;
export const BLOB_COMPLETE = 9;

/** Types up to here belong to the transport itself. */
export const A1_TYPE_MAX = 0x0000_ffff;
/** First type of the services layer. */
export const A2_TYPE_BASE = 0x0001_0000;
/** Last type of the services layer; applications begin behind it. */
export const A2_TYPE_MAX = 0x00ff_ffff;

/** The payload of a blob hello: the longest of the short frames. */
const LONGEST_CONTROL_BYTES = 8;

/** Most bytes of the text in an error frame that we send; longer ones that arrive are cut to it. */
export const ERROR_TEXT_MAX_BYTES = 1024;

/** The payload of an error with the longest text that we send. */
const LONGEST_ERROR_BYTES = 4 + ERROR_TEXT_MAX_BYTES;

const NAMES: Readonly<Record<number, string>> = {
  [HELLO]: 'hello',
  [HELLO_RESPONSE]: 'hello-response',
  [KEEPALIVE]: 'keepalive',
  [ACK]: 'ack',
  [CLOSE]: 'close',
  [ERROR]: 'error',
  [BLOB_CHUNK]: 'blob-transfer-chunk',
  [BLOB_COMPLETE]: 'blob-transfer-complete',
};

/** The flags that may stand on a frame of this type; every other bit is a violation. */
export function allowedFlags(msgType: number): number {
  if (msgType === HELLO || msgType === HELLO_RESPONSE) return FLAG_BLOB | FLAG_RECONNECT;
  return msgType > A1_TYPE_MAX ? FLAG_BLOB : 0;
}

/**
 * Longest payload of a frame of this type: control frames are judged before they are kept. Those and the errors that we send
 * are no message, and stand under no limit: or each refusal would be a lost connection.
 */
export function payloadLimit(msgType: number, maxPayloadLength: number): number {
  if (msgType > A1_TYPE_MAX || msgType === BLOB_CHUNK) return maxPayloadLength;
  return msgType === ERROR ? Math.max(LONGEST_ERROR_BYTES, maxPayloadLength) : LONGEST_CONTROL_BYTES;
}

/** The fields of a header, as `describeFrame` wants them. */
export interface FrameFields {
  readonly flags: number;
  readonly msgType: number;
  readonly peerMsgId: number;
  readonly dstHi: number;
  readonly dstLo: number;
  readonly payloadLength: number;
}

/** One line about a frame for logs, traces and tests. Shows no payload byte, but the number of an error. */
export function describeFrame(frame: FrameFields, errorId?: number): string {
  const name =
    NAMES[frame.msgType] ?? `${frame.msgType > A2_TYPE_MAX ? 'A3' : 'A2'} message 0x${frame.msgType.toString(16)}`;
  const flags = `${frame.flags & FLAG_BLOB ? ' BLOB' : ''}${frame.flags & FLAG_RECONNECT ? ' RECONNECT' : ''}`;
  const destination = frame.msgType > A1_TYPE_MAX ? ` to ${tabernaText(frame.dstHi, frame.dstLo)}` : '';
  const error = errorId === undefined ? '' : ` ${errorKindOf(errorId) ?? `error ${errorId}`}`;
  return `${name}${flags} #${frame.peerMsgId}${destination}${error} (${frame.payloadLength} B)`;
}

/** The 16 hex digits of a taberna (inbox) id. */
export function tabernaText(hi: number, lo: number): string {
  return `0x${hi.toString(16).padStart(8, '0')}${lo.toString(16).padStart(8, '0')}`;
}
