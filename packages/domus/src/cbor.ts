/**
 * Messages as CBOR (RFC 8949). Owns the settings of cbor-x and the copying around it; the guard decides which bytes
 * cbor-x may see. Touches none of the settings that cbor-x keeps for the whole process.
 */
import { Encoder } from 'cbor-x';
import { type CborRefusal, refuseCbor } from './cbor-guard.ts';
import {
  type CodecOptions,
  decodeFailure,
  encodeFailure,
  type MessageCodec,
  messageTypeOf,
  payloadOf,
} from './codec.ts';
import { schemaCheck } from './schema-check.ts';
import type { InferInput, InferOutput, StandardSchemaV1 } from './standard-schema.ts';

/**
 * The codec of messages as CBOR: everything that JSON has, and bytes, Date, bigint, Map, Set, typed arrays, undefined,
 * NaN and the infinities besides.
 *
 * With a schema both types follow from it: its input is sent, unchecked, and its output is received, checked.
 * Without one, `cbor<T>()` is typed but **unchecked**: what arrives is whatever the peer sent.
 *
 * What to know: a `Buffer` arrives as a `Uint8Array`; an instance of a class as a plain object; -0 as 0; a Date exact to
 * the millisecond within 70,000 years of 1970. A number stays a number and a bigint a bigint between two programs of this
 * library, but an integer that other programs write in 8 bytes, as they do from 2^32 on, arrives as a bigint. Of a
 * repeated key the last counts.
 *
 * Limits, the same for both directions, so that what can be sent can be received: 64 arrays and maps inside each other,
 * 1,048,576 items, bigints of 32 bytes, no key `__proto__` and no map under a key `constructor`, valid Unicode, none of
 * the tags of cbor-x for errors, regular expressions, records and references. Beyond them `encode-failure`, or
 * `decode-failure`.
 */
export function cbor<T = unknown>(schema?: undefined, options?: CodecOptions): MessageCodec<T>;
export function cbor<Schema extends StandardSchemaV1>(
  schema: Schema,
  options?: CodecOptions,
): MessageCodec<InferInput<Schema>, InferOutput<Schema>>;
export function cbor(schema?: StandardSchemaV1, options?: CodecOptions): MessageCodec<unknown> {
  const type = messageTypeOf(options);
  const check = schemaCheck(schema);
  return Object.freeze<MessageCodec<unknown>>({
    copies: true,
    encode(message) {
      return { type, payload: encoded(message) };
    },
    decode(message) {
      return check(decoded(payloadOf(message, type)));
    },
  });
}

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

/**
 * cbor-x writes into a scratch buffer and gives a view of it, which would keep the whole buffer for as long as the
 * message waits in a queue, and which the host application could have overwritten (`useBuffer`). So the result is an
 * exact copy. A scratch buffer that grew is dropped: cbor-x would keep that size for ever, four times the largest message.
 */
function encoded(message: unknown): Uint8Array {
  let bytes = written(coder, message);
  let refusal = refuseCbor(bytes);
  // The sign of an object with more keys than 16 bits can count: what is beyond was left over at the end.
  if (refusal === 'trailing-bytes') {
    bytes = written(wideCoder, message);
    refusal = refuseCbor(bytes);
  }
  const payload = refusal === undefined ? new Uint8Array(bytes) : undefined;
  if (bytes.buffer.byteLength > SCRATCH_BYTES) dropScratch();
  if (payload !== undefined) return payload;
  throw encodeFailure(refusal!, `the message cannot travel as CBOR: ${reasons[refusal!]}`);
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

function decoded(payload: Uint8Array): unknown {
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
