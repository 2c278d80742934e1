import type { InferOutput, StandardSchemaV1 } from '@flaminia/services-a2';
import { encodeFailure, schemaCheck } from '@flaminia/services-a2/internal';
import { type CodecOptions, type MessageCodec, messageTypeOf, payloadOf } from './codec.ts';

/**
 * The codec of messages that are bytes already; the fastest one.
 *
 * Sending takes any `Uint8Array` without copying it: it must not change until the send has settled. A signal that ends the waiting
 * recalls no message: then it must not change before `sendTimeout` is over, or what the peer gets is what stands there by then.
 *
 * What arrives is a `Uint8Array` of the handler's own, which it may keep and change. Small ones may share an `ArrayBuffer` with
 * others of their kind: to transfer one to another thread, send a `slice()` of it.
 *
 * @param schema checks what arrives, for example its length; synchronous.
 */
export function bytes(schema?: undefined, options?: CodecOptions): MessageCodec<Uint8Array>;
export function bytes<Schema extends StandardSchemaV1<Uint8Array, unknown>>(
  schema: Schema,
  options?: CodecOptions,
): MessageCodec<Uint8Array, InferOutput<Schema>>;
export function bytes(schema?: StandardSchemaV1, options?: CodecOptions): MessageCodec<Uint8Array, unknown> {
  const type = messageTypeOf(options);
  const check = schemaCheck(schema);
  return Object.freeze<MessageCodec<Uint8Array, unknown>>({
    encode(message) {
      if (message instanceof Uint8Array) return { type, payload: message };
      throw encodeFailure('not-bytes', 'a message of bytes() must be a Uint8Array');
    },
    // Does not promise to copy, so what it is given is the handler's own already.
    decode(encoded) {
      return check(payloadOf(encoded, type));
    },
  });
}
