import { isUtf8 } from 'node:buffer';
import type { InferInput, InferOutput, StandardSchemaV1 } from '@flaminia/services-a2';
import { decodeFailure, encodeFailure, schemaCheck } from '@flaminia/services-a2/internal';
import { type CodecOptions, type MessageCodec, messageTypeOf, payloadOf } from './codec.ts';

/**
 * The codec of messages as JSON text in UTF-8, by the rules of `JSON.stringify` and `JSON.parse`: `toJSON` is called,
 * a Date arrives as text, NaN and the infinities as null, and properties that are undefined do not arrive.
 *
 * With a schema both types follow from it: its input is sent, unchecked, and its output is received, checked.
 * Without one, `json<T>()` is typed but **unchecked**: what arrives is whatever the peer sent.
 *
 * Encoding fails with `encode-failure` for undefined, functions, symbols, bigints and cycles. Decoding fails with
 * `decode-failure` for anything but one JSON text. Both refuse a key `__proto__`, and a key `constructor` that holds an
 * object: harmless as such, they change prototypes once somebody merges the message into something else.
 */
export function json<T = unknown>(schema?: undefined, options?: CodecOptions): MessageCodec<T>;
export function json<Schema extends StandardSchemaV1>(
  schema: Schema,
  options?: CodecOptions,
): MessageCodec<InferInput<Schema>, InferOutput<Schema>>;
export function json(schema?: StandardSchemaV1, options?: CodecOptions): MessageCodec<unknown> {
  const type = messageTypeOf(options);
  const check = schemaCheck(schema);
  return Object.freeze<MessageCodec<unknown>>({
    copies: true,
    encode(message) {
      return { type, payload: Buffer.from(textOf(message)) };
    },
    decode(encoded) {
      return check(parsed(payloadOf(encoded, type)));
    },
  });
}

function textOf(message: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(message);
  } catch (cause) {
    const bigint = cause instanceof TypeError && cause.message.includes('BigInt');
    const text = bigint ? 'JSON has no bigint: send it as text, or use cbor()' : 'JSON cannot carry this message';
    throw encodeFailure(bigint ? 'bigint' : 'not-json', text, cause);
  }
  if (text === undefined) throw encodeFailure('not-json', `JSON cannot carry a message that is ${kindOf(message)}`);
  if (SUSPICIOUS.test(text) && holdsReservedKey(JSON.parse(text))) throw encodeFailure('reserved-key', RESERVED_KEY);
  return text;
}

function parsed(payload: Uint8Array): unknown {
  if (!isUtf8(payload)) throw decodeFailure('malformed', 'the payload is not UTF-8');
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message and so the cause would quote the payload.
    throw decodeFailure('malformed', 'the payload is not a JSON text');
  }
  if (SUSPICIOUS.test(text) && holdsReservedKey(value)) throw decodeFailure('reserved-key', RESERVED_KEY);
  return value;
}

const RESERVED_KEY = 'the message has a key that could change a prototype';

/** What a text with a reserved key must contain: the key as it is, or some character of it as an escape. */
const SUSPICIOUS = /__proto__|constructor|\\u/;

/** Walks a parsed JSON value; with a list of its own, since the nesting may be deeper than the stack. */
function holdsReservedKey(value: unknown): boolean {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__')) return true;
    if (Object.hasOwn(next, 'constructor') && isObject(next.constructor)) return true;
    for (const child of Object.values(next)) open.push(child);
  }
  return false;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(message: unknown): string {
  return message === undefined ? 'undefined' : `a ${typeof message}`;
}
