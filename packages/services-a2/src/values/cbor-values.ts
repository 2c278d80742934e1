/**
 * Values as CBOR (RFC 8949). Owns the settings of cbor-x and the copying around it; the guard decides which bytes
 * cbor-x may see. Touches none of the settings that cbor-x keeps for the whole process.
 */
import { Encoder } from 'cbor-x';
import { type CborRefusal, refuseCbor } from './cbor-guard.ts';
import { decodeFailure, encodeFailure } from './value-failure.ts';

/** Settings: no records, plain byte strings, and copies of what arrives. `tagUint8Array` is missing in its types. */
const settings = {
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  copyBuffers: true,
};

/** Writes every object with a 16-bit count: fast, and right up to 65,535 keys. */
const coder: Coder = new Encoder({ ...settings }) as Coder;
/** Counts the keys first: slower, and right for any number. */
const wideCoder: Coder = new Encoder({ ...settings, variableMapSize: true }) as Coder;

/** cbor-x with what its types leave out. */
interface Coder extends Encoder {
  /** Makes cbor-x write into this buffer from now on, and let go of the one before. */
  useBuffer(buffer: Uint8Array): void;
}

/** The size of the buffer that cbor-x writes into, unless a large message made it grow. */
const SCRATCH_BYTES = 8192;
const NOTHING = new Uint8Array(0);
/** A shorter head is copied faster by hand. */
const LONG_HEAD_BYTES = 96;

/**
 * A value in exact bytes of its own; `encode-failure` for one that cannot travel.
 *
 * cbor-x writes into a scratch buffer and gives a view of it, which would keep the whole buffer for as long as the
 * message waits in a queue, and which the host application could have overwritten (`useBuffer`). So the result is an
 * exact copy. A scratch buffer that grew is dropped: cbor-x would keep that size for ever, four times the largest message.
 */
export function encodeCbor(message: unknown): Uint8Array {
  return encodeCborBehind(NOTHING, 0, message);
}

/** As `encodeCbor`, behind the first `headLength` bytes of `head`, all in one piece of memory. */
export function encodeCborBehind(head: Uint8Array, headLength: number, message: unknown): Uint8Array {
  let bytes = written(coder, message);
  let refusal = refuseCbor(bytes);
  // The sign of an object with more keys than 16 bits can count: what is beyond was left over at the end.
  if (refusal === 'trailing-bytes') {
    bytes = written(wideCoder, message);
    refusal = refuseCbor(bytes);
  }
  const payload = refusal === undefined ? joined(head, headLength, bytes) : undefined;
  if (bytes.buffer.byteLength > SCRATCH_BYTES) dropScratch();
  if (payload !== undefined) return payload;
  throw encodeFailure(refusal!, `the message cannot travel as CBOR: ${reasons[refusal!]}`);
}

function joined(head: Uint8Array, headLength: number, bytes: Uint8Array): Uint8Array {
  if (headLength === 0) return new Uint8Array(bytes);
  // From Node's pool: memory of its own costs more than all the rest of a short message.
  const whole = Buffer.allocUnsafe(headLength + bytes.length);
  if (headLength > LONG_HEAD_BYTES) whole.set(head.subarray(0, headLength));
  else for (let i = 0; i < headLength; i++) whole[i] = head[i]!;
  whole.set(bytes, headLength);
  return whole;
}

function written(by: Coder, message: unknown): Uint8Array {
  try {
    return by.encode(message);
  } catch (cause) {
    dropScratch();
    throw encodeFailure('not-cbor', 'CBOR cannot carry this message', cause);
  }
}

function dropScratch(): void {
  coder.useBuffer(Buffer.allocUnsafeSlow(SCRATCH_BYTES));
}

/** The value of bytes that a peer sent, without any reference into them; `decode-failure` for bytes that the guard refuses. */
export function decodeCbor(payload: Uint8Array): unknown {
  const refusal = refuseCbor(payload);
  if (refusal !== undefined) throw decodeFailure(refusal, `the payload was refused: ${reasons[refusal]}`);
  // A view of its own: cbor-x hangs a property on what it reads, and gives byte strings the class of what it reads.
  const view = new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    return coder.decode(view);
  } catch {
    throw decodeFailure('malformed', 'the payload is not CBOR that can be decoded');
  }
}

const reasons: Readonly<Record<CborRefusal, string>> = {
  malformed: 'it is not well-formed CBOR',
  truncated: 'it ends too early',
  'trailing-bytes': 'bytes follow the message',
  'too-deep': 'more than 64 arrays and maps inside each other',
  'too-many-items': 'more than 1,048,576 items',
  tag: 'a tag other than those of Date, bigint, typed arrays, Set and Map',
  'tag-content': 'a tag on content that it is not for, or a bigint of more than 32 bytes',
  'simple-value': 'a simple value other than false, true, null and undefined',
  key: 'a key of an object that is neither text nor an integer',
  'reserved-key': 'a key that could change a prototype',
  text: 'a text that is not valid Unicode, or that would not arrive unchanged',
};
