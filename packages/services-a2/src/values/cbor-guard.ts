/**
 * The guard in front of cbor-x: one pass over CBOR bytes (RFC 8949), without building any value, that lets through
 * only what cbor-x 1.6.8 decodes at a cost in proportion to its size and without changing it.
 *
 * Owns the decision. Does not own the decoding (`cbor.ts`). Synchronous, and allocates next to nothing. Written as the
 * grammar reads, one function per production: each takes the offset where its item begins and gives the offset after
 * it, or REFUSED.
 *
 * What passed has these properties; the tests cite the numbers.
 *  1. It is exactly one well-formed item, with no byte after it.
 *  2. At most {@link CBOR_DEPTH_MAX} containers are open at once, so neither cbor-x nor the handler runs out of stack.
 *  3. At most {@link CBOR_ITEMS_MAX} items, since an item of one byte may take sixty in memory.
 *  4. Tags are those of JavaScript's own types, each on the content that it is for: 1 (Date), 2 and 3 (bigint), 64 to
 *     87 (typed arrays), 258 (Set), 259 (Map). Others would revive a RegExp or an Error (27), define records and
 *     compile code (0xdfff), or share and repeat parts (28, 29, 51).
 *  5. A bignum has at most {@link CBOR_BIGNUM_MAX_BYTES} bytes: cbor-x takes quadratic time over them.
 *  6. Keys of plain maps are text or integers, and none can reach a prototype: no `__proto__`, which cbor-x would
 *     rename, and no map under `constructor`. Maps of tag 259 become a Map and may have any key.
 *  7. Text is valid UTF-8, and not one that cbor-x would change: it drops a byte order mark from long text.
 *  8. No text directly inside an indefinite-length container reads `[object Object]`: cbor-x takes it for the end.
 */
import { isUtf8 } from 'node:buffer';

/** Most containers (arrays and maps) inside each other. */
export const CBOR_DEPTH_MAX = 64;
/** Most data items of one message: 1,048,576. Typed arrays and byte strings count as one. */
export const CBOR_ITEMS_MAX: number = 2 ** 20;
/** Most bytes of a bigint that does not fit 64 bits. */
export const CBOR_BIGNUM_MAX_BYTES = 32;

/** Why bytes were refused; stable labels. */
export type CborRefusal =
  | 'malformed'
  | 'truncated'
  | 'trailing-bytes'
  | 'too-deep'
  | 'too-many-items'
  | 'tag'
  | 'tag-content'
  | 'simple-value'
  | 'key'
  | 'reserved-key'
  | 'text';

/** Why the bytes must not be decoded, or undefined for bytes that may be (properties 1 to 8 above). */
export function refuseCbor(bytes: Uint8Array): CborRefusal | undefined {
  items = 0;
  const end = item(bytes, 0, 0, NO_TAG);
  if (end === REFUSED) return refusal;
  return end === bytes.length ? undefined : 'trailing-bytes';
}

/** Major types (RFC 8949, section 3.1). */
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

/** The additional information that means an indefinite length, and the byte that ends one. */
const INDEFINITE = 31;
const BREAK = 0xff;

const NO_TAG = -1;
const DATE_TAG = 1;
const SET_TAG = 258;
const MAP_TAG = 259;
const TYPED_ARRAY_TAG = 64;
/** Element sizes of the typed arrays of RFC 8746, from tag 64 on; 0 where JavaScript has no such array. */
const ELEMENT_BYTES = [1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 2, 4, 8, 0, 4, 8, 0, 0, 4, 8, 0] as const;

const PROTO = bytesOf('__proto__');
const CONSTRUCTOR = bytesOf('constructor');
const BREAK_LOOKALIKE = bytesOf('[object Object]');
const BYTE_ORDER_MARK = bytesOf('\ufeff');
/** The longest text from which cbor-x does not drop a byte order mark. */
const SHORT_TEXT_BYTES = 64;

const REFUSED = -1;
/** Why the last scan that gave REFUSED did so. */
let refusal: CborRefusal = 'malformed';
/** Items seen in this scan. */
let items = 0;
/** The argument of the head read last: a value, a length or a tag. Exact to 2^53 and large beyond, which is enough. */
let argument = 0;

function refuse(reason: CborRefusal): typeof REFUSED {
  refusal = reason;
  return REFUSED;
}

/** Any item, inside `depth` containers and directly inside `tag`. */
function item(bytes: Uint8Array, at: number, depth: number, tag: number): number {
  if (at >= bytes.length) return refuse('truncated');
  if (++items > CBOR_ITEMS_MAX) return refuse('too-many-items');
  const initial = bytes[at]!;
  const major = initial >> 5;
  const info = initial & 31;
  argument = info;
  const next = info < 24 ? at + 1 : wideHead(bytes, at, info);
  if (next === REFUSED) return REFUSED;
  const indefinite = info === INDEFINITE;
  if (indefinite && major !== ARRAY && major !== MAP) return refuse('malformed');
  if (tag !== NO_TAG && !fitsTag(tag, major, info)) return refuse('tag-content');
  switch (major) {
    case UNSIGNED:
    case NEGATIVE:
      return next;
    case BYTES:
      return argument > bytes.length - next ? refuse('truncated') : next + argument;
    case TEXT:
      return text(bytes, next);
    case ARRAY:
      return list(bytes, next, depth + 1, indefinite);
    case MAP:
      return map(bytes, next, depth + 1, indefinite, tag !== MAP_TAG);
    case TAG:
      return isKnownTag(argument) ? item(bytes, next, depth, argument) : refuse('tag');
    default:
      // 20 to 23 are false, true, null and undefined; 25 to 27 are floats
      return info < 20 || info === 24 ? refuse('simple-value') : next;
  }
}

/** A head of more than one byte, or of indefinite length. */
function wideHead(bytes: Uint8Array, at: number, info: number): number {
  if (info === INDEFINITE) return at + 1;
  if (info > 27) return refuse('malformed');
  const end = at + 1 + (1 << (info - 24));
  if (end > bytes.length) return refuse('truncated');
  let value = 0;
  for (let index = at + 1; index < end; index++) value = value * 256 + bytes[index]!;
  argument = value;
  return end;
}

function list(bytes: Uint8Array, start: number, depth: number, indefinite: boolean): number {
  if (depth > CBOR_DEPTH_MAX) return refuse('too-deep');
  const count = indefinite ? Number.POSITIVE_INFINITY : argument;
  if (!indefinite && count > bytes.length - start) return refuse('truncated'); // an item takes a byte at least
  let at = start;
  for (let index = 0; index < count; index++) {
    if (indefinite && bytes[at] === BREAK) return at + 1;
    const next = item(bytes, at, depth, NO_TAG);
    if (next === REFUSED || (indefinite && looksLikeBreak(bytes, at, next))) return REFUSED;
    at = next;
  }
  return at;
}

/** A map, which becomes an object whose keys are judged, or a Map that may have any. */
function map(bytes: Uint8Array, start: number, depth: number, indefinite: boolean, isObject: boolean): number {
  if (depth > CBOR_DEPTH_MAX) return refuse('too-deep');
  const count = indefinite ? Number.POSITIVE_INFINITY : argument;
  if (!indefinite && count * 2 > bytes.length - start) return refuse('truncated');
  let at = start;
  for (let index = 0; index < count; index++) {
    if (indefinite && bytes[at] === BREAK) return at + 1;
    const value = isObject ? key(bytes, at) : item(bytes, at, depth, NO_TAG);
    if (value === REFUSED || (indefinite && looksLikeBreak(bytes, at, value))) return REFUSED;
    at = item(bytes, value, depth, NO_TAG);
    if (at === REFUSED) return REFUSED;
  }
  return at;
}

/** A key of an object, and a look at what kind of value follows it. */
function key(bytes: Uint8Array, at: number): number {
  const major = at < bytes.length ? bytes[at]! >> 5 : UNSIGNED;
  if (major !== TEXT && major !== UNSIGNED && major !== NEGATIVE) return refuse('key');
  const next = item(bytes, at, 0, NO_TAG);
  if (major !== TEXT || next === REFUSED) return next;
  const start = next - argument;
  if (spells(bytes, start, next, PROTO)) return refuse('reserved-key');
  if (next < bytes.length && bytes[next]! >> 5 === MAP && spells(bytes, start, next, CONSTRUCTOR)) {
    return refuse('reserved-key');
  }
  return next;
}

function text(bytes: Uint8Array, at: number): number {
  const end = at + argument;
  if (end > bytes.length) return refuse('truncated');
  if (argument > SHORT_TEXT_BYTES) {
    if (!isUtf8(bytes.subarray(at, end)) || spells(bytes, at, at + 3, BYTE_ORDER_MARK)) return refuse('text');
    return end;
  }
  for (let index = at; index < end; index++) {
    if (bytes[index]! > 0x7f) return isUtf8(bytes.subarray(index, end)) ? end : refuse('text');
  }
  return end;
}

/** Property 8, for an item just read as a child of an indefinite-length container; sets the refusal. */
function looksLikeBreak(bytes: Uint8Array, at: number, next: number): boolean {
  if (bytes[at]! >> 5 !== TEXT || !spells(bytes, next - argument, next, BREAK_LOOKALIKE)) return false;
  refusal = 'text';
  return true;
}

function isKnownTag(tag: number): boolean {
  if (tag >= 1 && tag <= 3) return true;
  return tag === SET_TAG || tag === MAP_TAG || (ELEMENT_BYTES[tag - TYPED_ARRAY_TAG] ?? 0) > 0;
}

function fitsTag(tag: number, major: number, info: number): boolean {
  switch (tag) {
    case DATE_TAG:
      // seconds as a float or as an integer of up to 32 bits; a longer one is a bigint to cbor-x, which no Date takes
      return major > TAG ? info >= 25 : major <= NEGATIVE && info < 27;
    case SET_TAG:
      return major === ARRAY;
    case MAP_TAG:
      return major === MAP;
    case 2:
    case 3:
      return major === BYTES && argument <= CBOR_BIGNUM_MAX_BYTES;
    default:
      return major === BYTES && argument % ELEMENT_BYTES[tag - TYPED_ARRAY_TAG]! === 0;
  }
}

function spells(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false;
  for (let index = 0; index < word.length; index++) {
    if (bytes[from + index] !== word[index]) return false;
  }
  return true;
}

function bytesOf(word: string): Uint8Array {
  return new TextEncoder().encode(word);
}
