/**
 * A reader of DER: tag, length, value, with every bound checked (ITU-T X.690, the part that certificates need).
 *
 * It owns the encoding alone and knows nothing of certificates. What it is given may come from a peer, so:
 * 1. It never reads outside its input, and never recurses: a caller walks down one level at a time.
 * 2. Only definite, minimal lengths and one-byte tags are taken; anything else is malformed.
 * 3. Values are views into the input, never copies.
 * 4. The only error is a DomusError `protocol-violation`.
 */
import { DomusError } from './domus-error.ts';

/** Tags as the whole identifier octet (class, constructed bit and number). */
export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One element: where it lies. A walk over a certificate looks at few of the values, so views are made when asked for. */
export class DerElement {
  /** The identifier octet. */
  readonly tag: number;
  private readonly input: Buffer;
  private readonly start: number;
  private readonly contentStart: number;
  private readonly end: number;

  /** @internal */
  constructor(input: Buffer, tag: number, start: number, contentStart: number, end: number) {
    this.tag = tag;
    this.input = input;
    this.start = start;
    this.contentStart = contentStart;
    this.end = end;
  }

  /** The contents, without tag and length. */
  get content(): Buffer {
    return this.input.subarray(this.contentStart, this.end);
  }

  /** Tag, length and contents. */
  get encoded(): Buffer {
    return this.input.subarray(this.start, this.end);
  }

  /** Bytes of tag, length and contents. */
  get encodedLength(): number {
    return this.end - this.start;
  }

  /** The elements inside, one behind the other; a primitive element has none, and asking for them is an error. */
  children(): DerElement[] {
    if ((this.tag & 0x20) === 0) throw malformed(`tag ${hexOf(this.tag)} is not constructed`);
    return elementsIn(this.input, this.contentStart, this.end);
  }
}

/** The identifier octet of the context-specific tag `[number]` (0..30). */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

/** Reads the one element that fills `bytes`; anything behind it is malformed. */
export function readDer(bytes: Uint8Array): DerElement {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const element = elementAt(input, 0, input.length);
  if (element.encodedLength !== input.length) throw malformed('bytes behind the element');
  return element;
}

/** Reads the elements inside a constructed element. */
export function derChildren(parent: DerElement): DerElement[] {
  return parent.children();
}

/** Gives `element` back if it is there and has the tag; else it is malformed, and `what` names it. */
export function expectDer(element: DerElement | undefined, tag: number, what: string): DerElement {
  if (element === undefined) throw malformed(`${what} is missing`);
  if (element.tag !== tag) throw malformed(`${what} has tag ${hexOf(element.tag)} for ${hexOf(tag)}`);
  return element;
}

/** The value of a BOOLEAN. */
export function derBoolean(element: DerElement): boolean {
  const value = expectDer(element, DER_TAG.boolean, 'BOOLEAN').content;
  if (value.length !== 1 || (value[0] !== 0x00 && value[0] !== 0xff)) throw malformed('BOOLEAN');
  return value[0] === 0xff;
}

/** The value of an INTEGER that is not negative and below 2^31. */
export function derSmallInteger(element: DerElement): number {
  const value = expectDer(element, DER_TAG.integer, 'INTEGER').content;
  const first = value[0] ?? 0;
  if (value.length === 0 || value.length > 4 || first >= 0x80) throw malformed('INTEGER out of range');
  if (value.length > 1 && first === 0 && (value[1] ?? 0) < 0x80) throw malformed('INTEGER is not minimal');
  return value.readUIntBE(0, value.length);
}

/** An OBJECT IDENTIFIER in dotted text, like `2.5.29.17`. */
export function derObjectIdentifier(element: DerElement): string {
  const value = expectDer(element, DER_TAG.objectIdentifier, 'OBJECT IDENTIFIER').content;
  if (value.length === 0 || value.length > 64) throw malformed('OBJECT IDENTIFIER length');
  let text = '';
  // A number holds what identifiers have in practice; the few with longer arcs need more.
  let arc: number | bigint = 0;
  let fresh = true;
  for (const octet of value) {
    if (fresh && octet === 0x80) throw malformed('OBJECT IDENTIFIER is not minimal');
    arc = withSevenBits(arc, octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    text += text === '' ? firstArcs(arc) : `.${arc}`;
    arc = 0;
  }
  if (!fresh) throw malformed('OBJECT IDENTIFIER is cut');
  return text;
}

function withSevenBits(arc: number | bigint, bits: number): number | bigint {
  if (typeof arc === 'number' && arc < 2 ** 46) return arc * 128 + bits;
  return BigInt(arc) * 128n + BigInt(bits);
}

/** The first two arcs share one number. */
function firstArcs(arc: number | bigint): string {
  if (arc >= 80) return `2.${typeof arc === 'number' ? arc - 80 : arc - 80n}`;
  return arc >= 40 ? `1.${Number(arc) - 40}` : `0.${arc}`;
}

/** Text in UTF-8 (and so in IA5 or printable characters); other bytes are malformed, never replaced. */
export function derText(content: Buffer): string {
  try {
    return utf8.decode(content);
  } catch {
    throw malformed('text is not UTF-8');
  }
}

/** Encodes one element. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Uint8Array.from(header), ...contents]);
}

function elementsIn(input: Buffer, start: number, end: number): DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = start; offset < end; ) {
    const element = elementAt(input, offset, end);
    elements.push(element);
    offset += element.encodedLength;
  }
  return elements;
}

/** Reads the element at `start`, which ends at `limit` or before. */
function elementAt(input: Buffer, start: number, limit: number): DerElement {
  if (start + 2 > limit) throw malformed('cut in a header');
  const tag = input[start]!;
  const first = input[start + 1]!;
  if ((tag & 0x1f) === 0x1f) throw malformed('tag of several octets');
  let length = first;
  let offset = start + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw malformed('indefinite or oversized length');
    if (offset + count > limit) throw malformed('cut in a length');
    length = input.readUIntBE(offset, count);
    offset += count;
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed('length is not minimal');
  }
  const end = offset + length;
  if (end > limit) throw malformed('cut in a value');
  return new DerElement(input, tag, start, offset, end);
}

function malformed(what: string): DomusError {
  return new DomusError('protocol-violation', `malformed DER: ${what}`, { detail: 'malformed-der' });
}

function hexOf(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
