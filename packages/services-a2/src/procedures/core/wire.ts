/**
 * The messages of procedures (docs/protocol/procedures.md): their types, and their heads, which are written and read here by
 * hand. Behind a head stands at most one CBOR item of the application, which is not looked at here.
 *
 * 1. A reader never reads outside its bytes: what is missing or of another kind makes it `isBad`, and all that it gives then
 *    is empty.
 * 2. Numbers are unsigned and below 2^53.
 */

/** Types of the messages of procedures, the last 256 of the A3 range. */
export const CALL = 0xffff_ff00;
export const ANSWER = 0xffff_ff01;
export const FAILURE = 0xffff_ff02;
export const ITEMS = 0xffff_ff03;
export const END = 0xffff_ff04;
export const CANCEL = 0xffff_ff05;
export const CREDIT = 0xffff_ff06;

/** Kinds of calls as numbers of the wire. */
export const KIND_NUMBERS = {
  unary: 0,
  'one-way': 1,
  'server-stream': 2,
  'client-stream': 3,
  'bidi-stream': 4,
} as const;

/** Bytes of items that a callee may be sent before it has given credit. */
export const FIRST_INPUT_CREDIT = 65_536;
/** Largest metadata of a call, as CBOR. */
export const METADATA_MAX_BYTES = 8192;
/** No limit on the time of a call. */
export const NO_LIMIT = -1;

const MAJOR_UINT = 0;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const NULL = 0xf6;
const TWO_32 = 0x1_0000_0000;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A text as a CBOR item. */
export function textItem(text: string): Uint8Array {
  const writer = new HeadWriter(text.length * 3 + 9);
  writer.text(text);
  return writer.copy();
}

/** Writes the head of a message; used again for every message. */
export class HeadWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Begins a head of so many items. */
  begin(items: number): void {
    this.length = 0;
    this.head(MAJOR_ARRAY, items);
  }

  uint(value: number): void {
    this.head(MAJOR_UINT, value);
  }

  none(): void {
    this.need(1);
    this.bytes[this.length++] = NULL;
  }

  text(text: string): void {
    const encoded = encoder.encode(text);
    this.head(MAJOR_TEXT, encoded.length);
    this.item(encoded);
  }

  byteString(bytes: Uint8Array): void {
    this.head(MAJOR_BYTES, bytes.length);
    this.item(bytes);
  }

  /** Begins an array of so many items that the caller adds. */
  array(items: number): void {
    this.head(MAJOR_ARRAY, items);
  }

  /** Items that are CBOR already. */
  item(bytes: Uint8Array): void {
    this.need(bytes.length);
    const { length } = bytes;
    if (length > 48) this.bytes.set(bytes, this.length);
    else for (let i = 0; i < length; i++) this.bytes[this.length + i] = bytes[i]!;
    this.length += length;
  }

  /** What was written, in memory of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private head(major: number, value: number): void {
    this.need(9);
    const { bytes } = this;
    const first = major << 5;
    if (value < 24) {
      bytes[this.length++] = first | value;
    } else if (value < 0x100) {
      bytes[this.length++] = first | 24;
      bytes[this.length++] = value;
    } else if (value < 0x1_0000) {
      bytes[this.length++] = first | 25;
      bytes[this.length++] = value >>> 8;
      bytes[this.length++] = value & 0xff;
    } else if (value < TWO_32) {
      bytes[this.length++] = first | 26;
      this.u32(value);
    } else {
      bytes[this.length++] = first | 27;
      this.u32(Math.floor(value / TWO_32));
      this.u32(value % TWO_32);
    }
  }

  private u32(value: number): void {
    const { bytes } = this;
    bytes[this.length++] = value >>> 24;
    bytes[this.length++] = (value >>> 16) & 0xff;
    bytes[this.length++] = (value >>> 8) & 0xff;
    bytes[this.length++] = value & 0xff;
  }

  private need(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Reads the head of a message, and says where the application's item begins. */
export class HeadReader {
  private bytes: Uint8Array = NO_BYTES;
  /** Where the next item begins. */
  at = 0;
  isBad = false;
  /** The halves of the key that `keyOrNone` took. */
  hi = 0;
  lo = 0;
  private start = 0;
  private length = 0;

  /** Begins to read a head of exactly so many items. */
  begin(bytes: Uint8Array, items: number): void {
    this.bytes = bytes;
    this.at = 0;
    this.isBad = false;
    if (this.head(MAJOR_ARRAY) !== items) this.isBad = true;
  }

  uint(): number {
    return this.head(MAJOR_UINT);
  }

  /** A number, or NO_LIMIT where null stands. */
  uintOrNone(): number {
    return this.takesNull() ? NO_LIMIT : this.head(MAJOR_UINT);
  }

  text(): string {
    const length = this.head(MAJOR_TEXT);
    const start = this.skip(length);
    if (this.isBad) return '';
    try {
      return decoder.decode(this.bytes.subarray(start, this.at));
    } catch {
      this.isBad = true;
      return '';
    }
  }

  /** Takes a text that is compared, and made no string of. */
  textRange(): void {
    this.length = this.head(MAJOR_TEXT);
    this.start = this.skip(this.length);
  }

  /** The text that `textRange` took is that of this item. */
  isText(item: Uint8Array): boolean {
    const { bytes, start, length } = this;
    const head = item.length - length;
    // Not any length in front: the end of a name is another name.
    if (this.isBad || head !== headBytes(length)) return false;
    for (let i = length - 1; i >= 0; i--) if (item[head + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Takes a byte string of 8 bytes as two numbers; false where null stands. */
  keyOrNone(): boolean {
    if (this.takesNull()) return false;
    if (this.head(MAJOR_BYTES) !== 8) this.isBad = true;
    const start = this.skip(8);
    if (this.isBad) return true;
    this.hi = this.u32(start);
    this.lo = this.u32(start + 4);
    return true;
  }

  /** A view of a byte string; undefined where null stands. */
  byteStringOrNone(): Uint8Array | undefined {
    return this.takesNull() ? undefined : this.view(MAJOR_BYTES);
  }

  private view(major: number): Uint8Array {
    const length = this.head(major);
    const start = this.skip(length);
    return this.isBad ? NO_BYTES : this.bytes.subarray(start, this.at);
  }

  private u32(at: number): number {
    const { bytes } = this;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  private skip(length: number): number {
    const start = this.at;
    if (start + length > this.bytes.length) this.isBad = true;
    else this.at = start + length;
    return start;
  }

  private takesNull(): boolean {
    if (this.bytes[this.at] !== NULL) return false;
    this.at++;
    return true;
  }

  private head(major: number): number {
    if (this.isBad) return 0;
    const { bytes } = this;
    const first = bytes[this.at++];
    if (first === undefined || first >> 5 !== major) return this.bad();
    const short = first & 31;
    if (short < 24) return short;
    if (short > 27) return this.bad();
    const width = 1 << (short - 24);
    let value = 0;
    for (let i = 0; i < width; i++) {
      const byte = bytes[this.at++];
      if (byte === undefined) return this.bad();
      value = value * 256 + byte;
    }
    return value <= Number.MAX_SAFE_INTEGER ? value : this.bad();
  }

  private bad(): number {
    this.isBad = true;
    return 0;
  }
}

/** Bytes of the head of an item with this argument, as the writer makes it. */
function headBytes(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  return argument < 0x1_0000 ? 3 : 5;
}
