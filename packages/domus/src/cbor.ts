/** Messages as CBOR (RFC 8949). The conversion itself, with the guard before it, is that of the services layer. */
import type { InferInput, InferOutput, StandardSchemaV1 } from '@flaminia/services-a2';
import { decodeCbor, encodeCbor, schemaCheck } from '@flaminia/services-a2/internal';
import { type CodecOptions, type MessageCodec, messageTypeOf, payloadOf } from './codec.ts';

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
      return { type, payload: encodeCbor(message) };
    },
    decode(message) {
      return check(decodeCbor(payloadOf(message, type)));
    },
  });
}
