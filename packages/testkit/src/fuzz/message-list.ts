/** Inputs that are a list of messages, and of other things that happen: a kind, a length of two bytes, and what belongs to it. */
import type { Field, Layout, Span, Unit } from './layout.ts';
import { readField } from './layout.ts';

export interface Happening {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

const HEAD_BYTES = 3;

export function happening(kind: number, bytes: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([Uint8Array.of(kind, bytes.length >>> 8, bytes.length & 0xff), bytes]);
}

/** Takes any bytes: what is missing at the end is as if it had never been. */
export function happenings(input: Uint8Array): Happening[] {
  return unitsOf(input).map(({ start, end }) => ({
    kind: input[start]!,
    bytes: input.subarray(Math.min(start + HEAD_BYTES, end), end),
  }));
}

/** Of each its kind and length, and behind these the heads of CBOR items as far as they stand where items may begin. */
export function happeningsLayout(input: Uint8Array): Layout {
  const units = unitsOf(input);
  const fields: Field[] = [];
  const spans: Span[] = [];
  for (const { start, end } of units) {
    const length: Field = { at: start + 1, bytes: 2 };
    fields.push({ at: start, bytes: 1 }, length);
    for (let at = start + HEAD_BYTES; at < Math.min(end, start + HEAD_BYTES + 16); at++) fields.push({ at, bytes: 1 });
    if (start + HEAD_BYTES <= end) spans.push({ start: start + HEAD_BYTES, end, length });
  }
  return { fields, units, spans };
}

function unitsOf(input: Uint8Array): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at + HEAD_BYTES <= input.length; ) {
    const end = Math.min(input.length, at + HEAD_BYTES + readField(input, { at: at + 1, bytes: 2 }));
    units.push({ start: at, end });
    at = end;
  }
  return units;
}
