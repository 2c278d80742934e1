/**
 * Values of programs in the payloads of calls: CBOR behind a head. Byte strings, which many programs send and nothing else, go
 * past the CBOR library: they are a length and a copy. For everything else, and for what is right or wrong, `values/` decides.
 */
import { decodeCbor, encodeCborBehind } from '../values/cbor-values.ts';

const MAJOR_BYTES = 0x40;
/** Arguments below are lengths; this one and the two behind it say that one, two or four bytes of length follow. */
const ONE_BYTE = 24;
/** What an item of bytes is copied by hand up to: a call for it costs more. */
const SHORT_BYTES = 96;
/** Longer ones have a head of another width. */
const LENGTH_MAX = 0xffff_ffff;

/** A value behind the first `headLength` bytes of `head`, in one piece of memory; `encode-failure` for one that cannot travel. */
export function payloadBehind(head: Uint8Array, headLength: number, value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > LENGTH_MAX) return encodeCborBehind(head, headLength, value);
  const { length } = value;
  const width = length < ONE_BYTE ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 4;
  const at = headLength + 1 + width;
  // From Node's pool: memory of its own costs more than all the rest of a short message.
  const whole = Buffer.allocUnsafe(at + length);
  copy(head, 0, whole, 0, headLength);
  whole[headLength] = MAJOR_BYTES + (width === 0 ? length : ONE_BYTE + (width >> 1));
  for (let i = at - 1, rest = length; i > headLength; i--, rest >>>= 8) whole[i] = rest;
  whole.set(value, at);
  return whole;
}

/** The value behind a head, without any reference into the payload; `decode-failure` for bytes that the guard refuses. */
export function valueAt(payload: Uint8Array, at: number): unknown {
  const start = startOfBytes(payload, at);
  if (start < 0) return decodeCbor(at === 0 ? payload : payload.subarray(at));
  const bytes = new Uint8Array(payload.length - start);
  copy(payload, start, bytes, 0, bytes.length);
  return bytes;
}

/** Where the bytes begin, if nothing but one byte string of definite length stands there; else -1. */
function startOfBytes(payload: Uint8Array, at: number): number {
  const argument = payload[at]! - MAJOR_BYTES;
  if (!(argument >= 0 && argument <= ONE_BYTE + 2)) return -1;
  const width = argument < ONE_BYTE ? 0 : 1 << (argument - ONE_BYTE);
  const start = at + 1 + width;
  if (start > payload.length) return -1;
  let length = argument;
  if (width > 0) {
    length = 0;
    for (let i = at + 1; i < start; i++) length = length * 256 + payload[i]!;
  }
  return start + length === payload.length ? start : -1;
}

function copy(from: Uint8Array, fromAt: number, into: Uint8Array, intoAt: number, length: number): void {
  if (length > SHORT_BYTES) into.set(from.subarray(fromAt, fromAt + length), intoAt);
  else for (let i = 0; i < length; i++) into[intoAt + i] = from[fromAt + i]!;
}
