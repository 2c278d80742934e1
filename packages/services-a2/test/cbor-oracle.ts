/**
 * What two judges that share no code with ours say of a message: a plain reading of the rules for well-formed CBOR, and
 * cborg, another implementation; and a form in which its values and ours compare equal where they mean the same.
 */
import { decode, type TagDecodeControl, type TagDecoder } from 'cborg';

/**
 * True for exactly one well-formed item (the rules of RFC 8949, appendix C) without indefinite-length strings, which
 * neither library reads. Needed beside cborg, which lets a misplaced break pass.
 */
export function isWellFormed(message: Uint8Array): boolean {
  try {
    return afterItem(message, 0) === message.length;
  } catch {
    return false;
  }
}

const BREAK = 0xff;

/** The offset after the item at `at`. */
function afterItem(message: Uint8Array, at: number): number {
  const initial = byteAt(message, at);
  const major = initial >> 5;
  const info = initial & 31;
  if (info === 31 && (major === 4 || major === 5)) return afterIndefinite(message, at + 1, major === 4 ? 1 : 2);
  if (info > 27) throw new Error('reserved, indefinite or a break');
  const width = info < 24 ? 0 : 1 << (info - 24);
  let argument = info < 24 ? info : 0;
  for (let index = 1; index <= width; index++) argument = argument * 256 + byteAt(message, at + index);
  if (major === 7 && info === 24 && argument < 32) throw new Error('a simple value in two bytes that fits one');
  let next = at + 1 + width;
  if (major === 2 || major === 3) {
    if (argument > message.length - next) throw new Error('too short');
    return next + argument;
  }
  const children = { 4: argument, 5: argument * 2, 6: 1 }[major] ?? 0;
  for (let child = 0; child < children; child++) next = afterItem(message, next);
  return next;
}

function afterIndefinite(message: Uint8Array, start: number, perEntry: number): number {
  let at = start;
  while (byteAt(message, at) !== BREAK) {
    for (let child = 0; child < perEntry; child++) at = afterItem(message, at);
  }
  return at + 1;
}

function byteAt(message: Uint8Array, at: number): number {
  const byte = message[at];
  if (byte === undefined) throw new Error('too short');
  return byte;
}

/** Reads a message with the tags that `cbor()` knows; throws where cborg does. */
export function oracleDecode(message: Uint8Array): unknown {
  return decode(message, { useMaps: true, tags });
}

/**
 * The comparable form. An integer is one whether it arrived as number or bigint, -0 is 0, an object is what it has for
 * each key, and a Map or Set is the list of what it has.
 */
export function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(comparable);
  if (value instanceof TaggedMap) return ['Map', ...value.entries.map(comparable)];
  if (value instanceof Set) return ['Set', ...[...value].map(comparable)];
  if (value instanceof Map) return ['Map', ...[...value].map(comparable)];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, comparable(held)]));
}

/** The comparable form of what cborg read, where plain maps are a Map and those of tag 259 are not. */
export function comparableOracle(value: unknown): unknown {
  return comparable(untangled(value));
}

/** A map of tag 259. */
class TaggedMap {
  readonly entries: [unknown, unknown][];

  constructor(entries: [unknown, unknown][]) {
    this.entries = entries;
  }
}

function untangled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untangled);
  if (value instanceof Set) return new Set([...value].map(untangled));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, held]) => [String(key), untangled(held)]));
  if (value instanceof TaggedMap) return new TaggedMap(untangled(value.entries) as [unknown, unknown][]);
  return value;
}

type Element = { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): ArrayBufferView };

const littleEndian: Readonly<Record<number, Element>> = {
  ...{ 64: Uint8Array, 68: Uint8ClampedArray, 69: Uint16Array, 70: Uint32Array, 71: BigUint64Array, 72: Int8Array },
  ...{ 77: Int16Array, 78: Int32Array, 79: BigInt64Array, 85: Float32Array, 86: Float64Array },
};

const tags: Record<number, TagDecoder> = {
  1: (content) => new Date(Math.round(Number(content()) * 1000)),
  2: (content) => bigint(content),
  3: (content) => -1n - bigint(content),
  258: (content) => new Set(content() as unknown[]),
  259: (content) => new TaggedMap(content.entries()),
};
for (const [tag, element] of Object.entries(littleEndian)) {
  tags[Number(tag)] = (content) => new element(ownBytes(content).buffer);
  if (element.BYTES_PER_ELEMENT === 1) continue;
  tags[Number(tag) - 4] = (content) => new element(swapped(ownBytes(content), element.BYTES_PER_ELEMENT).buffer);
}

function ownBytes(content: TagDecodeControl): Uint8Array<ArrayBuffer> {
  return new Uint8Array(content() as Uint8Array);
}

function bigint(content: TagDecodeControl): bigint {
  return BigInt(`0x0${Buffer.from(content() as Uint8Array).toString('hex')}`);
}

function swapped(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}
