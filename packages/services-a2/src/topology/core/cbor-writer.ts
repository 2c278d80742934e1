/** Writes the few kinds of CBOR items that the topology uses, each in its one shortest form (RFC 8949, 4.2.1). */

const MAJOR = { uint: 0, bytes: 2, text: 3, array: 4 } as const;
const TWO_32 = 0x1_0000_0000;
const text = new TextEncoder();

/** The UTF-8 of a text. */
export function utf8(value: string): Uint8Array {
  return text.encode(value);
}

/** Appends items; {@link CborWriter.finish} gives exact bytes of their own. */
export class CborWriter {
  private buffer = new Uint8Array(512);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** Bytes so far. */
  get size(): number {
    return this.length;
  }

  /** A whole number, 0 to `Number.MAX_SAFE_INTEGER`. */
  uint(value: number): this {
    return this.head(MAJOR.uint, value);
  }

  bytes(value: Uint8Array): this {
    return this.head(MAJOR.bytes, value.length).raw(value);
  }

  text(value: string): this {
    const encoded = utf8(value);
    return this.head(MAJOR.text, encoded.length).raw(encoded);
  }

  /** The head of an array; its items follow. */
  array(length: number): this {
    return this.head(MAJOR.array, length);
  }

  boolean(value: boolean): this {
    return this.byte(value ? 0xf5 : 0xf4);
  }

  null(): this {
    return this.byte(0xf6);
  }

  /** Items that are encoded already. */
  raw(items: Uint8Array): this {
    this.reserve(items.length);
    this.buffer.set(items, this.length);
    this.length += items.length;
    return this;
  }

  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  private head(major: number, value: number): this {
    this.reserve(9);
    const top = major << 5;
    if (value < 24) return this.byte(top | value);
    if (value < 0x100) return this.byte(top | 24).byte(value);
    if (value < 0x1_0000) {
      this.byte(top | 25);
      this.view.setUint16(this.length, value);
      this.length += 2;
    } else if (value < TWO_32) {
      this.byte(top | 26);
      this.view.setUint32(this.length, value);
      this.length += 4;
    } else {
      this.byte(top | 27);
      this.view.setUint32(this.length, Math.floor(value / TWO_32));
      this.view.setUint32(this.length + 4, value % TWO_32);
      this.length += 8;
    }
    return this;
  }

  private byte(value: number): this {
    this.reserve(1);
    this.buffer[this.length++] = value;
    return this;
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}
