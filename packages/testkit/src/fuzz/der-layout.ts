/** The structure of DER, for mutations: every element is a unit, its contents a span, and the end of a short value a field. */
import { type Field, type Layout, readField, type Span, type Unit } from './layout.ts';

const ELEMENTS_MOST = 400;
const DEPTH_MOST = 16;
const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;

/** The elements in `input[start..end]`; the inside of octet strings is looked at too, since extensions lie there. */
export function derLayout(input: Uint8Array, start: number, end: number): Layout {
  const fields: Field[] = [];
  const units: Unit[] = [];
  const spans: Span[] = [];
  walk(start, end, 0);
  return { fields, units, spans };

  function walk(from: number, to: number, depth: number): void {
    for (let at = from; at + 2 <= to && units.length < ELEMENTS_MOST; ) {
      const length = lengthField(input, at);
      if (length === undefined) return;
      const contents = length.at + length.bytes;
      const next = contents + readField(input, length);
      if (next > to) return;
      if (next - contents > 0 && next - contents <= 4) fields.push({ at: next - 1, bytes: 1 });
      units.push({ start: at, end: next });
      spans.push({ start: contents, end: next, length });
      const tag = input[at]!;
      if (((tag & CONSTRUCTED) !== 0 || tag === OCTET_STRING) && depth < DEPTH_MOST) walk(contents, next, depth + 1);
      at = next;
    }
  }
}

function lengthField(input: Uint8Array, at: number): Field | undefined {
  const first = input[at + 1]!;
  if (first < 0x80) return { at: at + 1, bytes: 1 };
  const bytes = first & 0x7f;
  return bytes === 1 || bytes === 2 || bytes === 4 ? { at: at + 2, bytes } : undefined;
}
