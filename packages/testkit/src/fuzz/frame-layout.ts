/** The structure of a run of A1 frames, for mutations (a1-wire, frame). */
import { HEADER_BYTES } from '@flaminia/delivery-a1/internal';
import { type Field, type Layout, readField, type Span, type Unit } from './layout.ts';

const ERROR_TYPE = 6;

/** The frames in `input[start..end]`, as far as they can be told. */
export function frameLayout(input: Uint8Array, start: number, end: number): Layout {
  const fields: Field[] = [];
  const units: Unit[] = [];
  const spans: Span[] = [];
  for (let at = start; at + HEADER_BYTES <= end; ) {
    const length: Field = { at: at + 28, bytes: 4 };
    const payload = at + HEADER_BYTES;
    const next = Math.min(end, payload + readField(input, length));
    // Not the version: every other one ends the callis at once.
    fields.push({ at: at + 2, bytes: 2 }, { at: at + 4, bytes: 4 }, { at: at + 8, bytes: 4 });
    fields.push({ at: at + 20, bytes: 8 }, length);
    if (readField(input, { at: at + 4, bytes: 4 }) === ERROR_TYPE && payload + 4 <= end)
      fields.push({ at: payload, bytes: 4 });
    units.push({ start: at, end: next });
    spans.push({ start: payload, end: next, length });
    at = next;
  }
  return { fields, units, spans };
}
