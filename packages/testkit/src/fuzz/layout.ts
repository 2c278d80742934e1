/** The structure of an input, for mutations that keep most of it valid. Offsets are into that input. */

/** An integer, big-endian. */
export interface Field {
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** A part that stands for itself: a frame, an element, an item, a step. */
export interface Unit {
  readonly start: number;
  readonly end: number;
}

/** Bytes whose number stands in a field: the field may count some bytes more. Spans may lie inside each other. */
export interface Span extends Unit {
  readonly length: Field;
}

export interface Layout {
  readonly fields: readonly Field[];
  readonly units: readonly Unit[];
  readonly spans: readonly Span[];
}

export const NO_LAYOUT: Layout = { fields: [], units: [], spans: [] };

/** Reads a field of up to four bytes; of eight the lower four. */
export function readField(input: Uint8Array, { at, bytes }: Field): number {
  let value = 0;
  for (let i = Math.max(0, bytes - 4); i < bytes; i++) value = value * 256 + (input[at + i] ?? 0);
  return value;
}

/** Writes a field; of a value that does not fit, the lower bytes. */
export function writeField(input: Uint8Array, { at, bytes }: Field, value: bigint): void {
  for (let i = bytes - 1, rest = value; i >= 0; i--, rest >>= 8n) input[at + i] = Number(rest & 0xffn);
}

/**
 * Replaces `input[start..end]` by other bytes, and corrects the length of every span around that place. A length that
 * does not fit its field any more is cut, which is a mutation too.
 */
export function replaceRange(
  input: Uint8Array,
  spans: readonly Span[],
  start: number,
  end: number,
  by: Uint8Array,
): Uint8Array {
  const changed = new Uint8Array(input.length - (end - start) + by.length);
  changed.set(input.subarray(0, start));
  changed.set(by, start);
  changed.set(input.subarray(end), start + by.length);
  const growth = by.length - (end - start);
  for (const span of spans) {
    const isAround = span.start <= start && end <= span.end && span.length.at + span.length.bytes <= start;
    if (isAround) writeField(changed, span.length, BigInt(readField(input, span.length) + growth));
  }
  return changed;
}
