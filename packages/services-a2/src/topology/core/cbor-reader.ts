/**
 * Reads the few kinds of CBOR items that the topology uses, from bytes that nobody vouches for.
 *
 * 1. Only the shortest form of an item is taken, so that bytes and content stand for each other.
 * 2. Nothing is allocated beyond what the bytes hold: every length is compared with what is left.
 * 3. A fault is a {@link MalformedItem}; readers of whole messages turn it into a refusal.
 */

/** The bytes are not what the reader was told to expect. */
export class MalformedItem extends Error {
  override readonly name = 'MalformedItem';
}

const TWO_32 = 0x1_0000_0000;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class CborReader {
  private readonly source: Uint8Array;
  private position = 0;

  constructor(source: Uint8Array) {
    this.source = source;
  }

  uint(): number {
    return this.head(0);
  }

  /** A view into the source; who keeps it copies it. */
  bytes(most: number): Uint8Array {
    return this.take(this.head(2), most);
  }

  text(mostBytes: number): string {
    const encoded = this.take(this.head(3), mostBytes);
    try {
      return strict.decode(encoded);
    } catch {
      throw new MalformedItem('a text that is not UTF-8');
    }
  }

  /** The length of an array whose items follow; each takes at least one byte. */
  array(most: number): number {
    const length = this.head(4);
    if (length > most || length > this.source.length - this.position) throw new MalformedItem('an array too long');
    return length;
  }

  /** The head of an array of exactly this length. */
  tuple(length: number): void {
    if (this.head(4) !== length) throw new MalformedItem(`not an array of ${length}`);
  }

  boolean(): boolean {
    const value = this.byte();
    if (value !== 0xf4 && value !== 0xf5) throw new MalformedItem('not a boolean');
    return value === 0xf5;
  }

  /** True, and the item is taken, where null stands next. */
  takeNull(): boolean {
    if (this.source[this.position] !== 0xf6) return false;
    this.position += 1;
    return true;
  }

  end(): void {
    if (this.position !== this.source.length) throw new MalformedItem('bytes behind the end');
  }

  private take(length: number, most: number): Uint8Array {
    if (length > most || length > this.source.length - this.position) throw new MalformedItem('too long');
    this.position += length;
    return this.source.subarray(this.position - length, this.position);
  }

  private byte(): number {
    const value = this.source[this.position];
    if (value === undefined) throw new MalformedItem('ends too early');
    this.position += 1;
    return value;
  }

  private head(major: number): number {
    const first = this.byte();
    if (first >> 5 !== major) throw new MalformedItem('an item of another kind');
    const short = first & 31;
    if (short < 24) return short;
    if (short > 27) throw new MalformedItem('an item without a length');
    const size = 1 << (short - 24);
    let value = 0;
    for (let index = 0; index < size; index++) value = value * 256 + this.byte();
    const least = size === 1 ? 24 : size === 8 ? TWO_32 : 256 ** (size / 2);
    if (value < least || value > Number.MAX_SAFE_INTEGER) throw new MalformedItem('a number not in its shortest form');
    return value;
  }
}
