/**
 * Endpoints: the contract that both sides of a message share, a taberna (inbox) id with the codec of its messages
 * (domus-api). Pure frozen values; they may be made at import and used by any number of domus.
 */
import { createHash } from 'node:crypto';
import { outOfRange } from '@flaminia/transport-a0';
import type { MessageCodec } from './codec.ts';

/** A name, or the number that Rust programs use: a bigint of 0 to 2^64 - 1, or a safe integer of 0 or more. */
export type EndpointId = string | bigint | number;

/** What every endpoint has. */
interface EndpointOf<Kind, Sent, Received> {
  readonly kind: Kind;
  /** The taberna id on the wire, a u64. */
  readonly id: bigint;
  /** The name that the id was made from; undefined for an endpoint given by number. */
  readonly name: string | undefined;
  readonly codec: MessageCodec<Sent, Received>;
  /** The upper half of `id`: inside the library ids travel as two u32. */
  readonly idHi: number;
  /** The lower half of `id`. */
  readonly idLo: number;
}

/** A taberna (inbox) and what its messages are. Made by {@link endpoint}. */
export interface Endpoint<Sent, Received = Sent> extends EndpointOf<'message', Sent, Received> {}

/** A taberna (inbox) whose messages each open a stream of bytes. Made by {@link blobEndpoint}. */
export interface BlobEndpoint<Sent, Received = Sent> extends EndpointOf<'blob', Sent, Received> {}

/** An endpoint of whatever messages: for code that only needs to know where they go. */
export type AnyEndpoint = Endpoint<never, unknown> | BlobEndpoint<never, unknown>;

/**
 * Makes an endpoint. Its types are those of the codec.
 *
 * @param id a name, which {@link tabernaId} turns into the number on the wire, or that number; outside its range
 *   `invalid-config`.
 */
export function endpoint<Sent, Received = Sent>(
  id: EndpointId,
  codec: MessageCodec<Sent, Received>,
): Endpoint<Sent, Received> {
  return makeEndpoint('message', id, codec);
}

/**
 * Makes an endpoint whose messages each open a blob stream: `sendBlob` sends to it, and its requests have a `blob`. The message
 * itself says what the bytes are; it should be small.
 *
 * @param id as for {@link endpoint}.
 */
export function blobEndpoint<Sent, Received = Sent>(
  id: EndpointId,
  codec: MessageCodec<Sent, Received>,
): BlobEndpoint<Sent, Received> {
  return makeEndpoint('blob', id, codec);
}

function makeEndpoint<Kind, Sent, Received>(
  kind: Kind,
  id: EndpointId,
  codec: MessageCodec<Sent, Received>,
): EndpointOf<Kind, Sent, Received> {
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function') {
    throw outOfRange('codec of an endpoint', 'an object with encode and decode', codec);
  }
  const number = tabernaNumber(id);
  return Object.freeze({
    kind,
    id: number,
    name: typeof id === 'string' ? id : undefined,
    codec,
    idHi: Number(number >> 32n),
    idLo: Number(number & 0xffff_ffffn),
  });
}

/**
 * The taberna id of a name: the first 8 bytes of the SHA-256 of its UTF-8 form, as a big-endian u64. An empty name, or
 * one with half a surrogate pair, is `invalid-config`.
 */
export function tabernaId(name: string): bigint {
  if (typeof name !== 'string' || name === '') throw outOfRange('name of an endpoint', 'a text with content', name);
  const bytes = Buffer.from(name);
  if (bytes.toString() !== name) throw outOfRange('name of an endpoint', 'valid Unicode', name);
  return createHash('sha256').update(bytes).digest().readBigUInt64BE(0);
}

/** The number of an id in any of its forms; `invalid-config` outside its range. */
export function tabernaNumber(id: EndpointId): bigint {
  if (typeof id === 'string') return tabernaId(id);
  if (typeof id === 'bigint' && id >= 0n && id < 2n ** 64n) return id;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return BigInt(id);
  throw outOfRange('id of an endpoint', 'a name, a bigint of 0 to 2^64 - 1 or a safe integer of 0 or more', id);
}
