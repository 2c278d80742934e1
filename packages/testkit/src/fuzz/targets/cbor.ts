/** `cbor`: the guard and the decoding behind it (domus-api, codecs). */
import { cbor as cborCodec } from '@flaminia/domus';
import type { Random } from '../../sim/random.ts';
import { checkDecoding } from '../codec-check.ts';
import { type Field, type Layout, readField, type Span, type Unit } from '../layout.ts';
import { concat } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const CODEC = cborCodec();
const DEPTH_MOST = 80;
const UNITS_MOST = 500;
const WIDTHS = [1, 2, 4, 8] as const;
const INDEFINITE = 31;

/** Heads without what belongs behind them: tags, lengths, a break. */
const WORDS = [
  'c1',
  'd81b',
  'd9dfff',
  'd81c',
  'd81d',
  'd833',
  '9f',
  'bf',
  'ff',
  'f8',
  '5b7fffffffffffffff',
  '9bffffffffffffffff',
];
/** Whole items: one of every type that passes, and what must not: keys, tags, texts. */
const ITEMS = [
  'c1fb41d452d9e2000000',
  'c11a7fffffff',
  'c249010000000000000000',
  'c3420100',
  'd84043010203',
  'd84e480000000000000080',
  'd855480000c03f0000c07f',
  'd9010283010203',
  'd90103a10102',
  'd9010380',
  'd81b6161',
  'f97e00',
  'f7',
  'f818',
  'fb7ff0000000000000',
  '1bffffffffffffffff',
  '3b7fffffffffffffff',
  '9f0102ff',
  'bf616101ff',
  '695f5f70726f746f5f5f',
  'a1695f5f70726f746f5f5fa0',
  'a16b636f6e7374727563746f72a0',
  'a16b636f6e7374727563746f7280',
  'a10102',
  '6f5b6f626a656374204f626a6563745d',
  '63efbbbf',
];

export const cbor: FuzzTarget = {
  name: 'cbor',
  maxBytes: 4096,
  words: WORDS.map((hex) => Buffer.from(hex, 'hex')),
  unitsAreFree: false,
  parts: ITEMS.map((hex) => Buffer.from(hex, 'hex')),
  seeds: () => SEEDS.map((value) => CODEC.encode(value).payload),
  generate: (random) => item(random, random.between(1, 6)),
  layout,
  run: (input) => checkDecoding(CODEC, input),
};

const SEEDS: readonly unknown[] = [
  null,
  'salve',
  { id: 7, name: 'alpha', tags: ['a', 'b'], nested: { when: new Date(0), big: 2n ** 70n, none: undefined } },
  [new Uint8Array(9), Float64Array.of(1.5, Number.NaN), Int16Array.of(-1), -1, 2 ** 40, 0.1],
  new Map<unknown, unknown>([
    [1, new Set(['x', 'y'])],
    [{ key: 1 }, 'z'.repeat(70)],
  ]),
  Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key ${i}`, i])),
];

/** A valid item, at most so many levels deep. */
function item(random: Random, levels: number): Uint8Array {
  const major = random.below(levels > 1 ? 8 : 4);
  switch (major) {
    case 2:
      return withBytes(
        2,
        Uint8Array.from({ length: random.skewed(0, 80) }, () => random.u32()),
      );
    case 3:
      return text(random);
    case 4:
      return container(random, 4, () => item(random, levels - 1));
    case 5:
      return container(random, 5, () => concat(text(random), item(random, levels - 1)));
    case 6:
      return tagged(random, levels);
    case 7:
      return Buffer.from(random.pick(['f4', 'f5', 'f6', 'f7', 'f93c00', 'fa7f800000', 'fb3ff8000000000000']), 'hex');
    default:
      return head(major, random.chance(50) ? random.below(30) : random.u32());
  }
}

function container(random: Random, major: 4 | 5, child: () => Uint8Array): Uint8Array {
  const count = random.skewed(0, 12);
  const children = Array.from({ length: count }, child);
  if (random.chance(25)) return concat(Uint8Array.of((major << 5) | INDEFINITE), ...children, Uint8Array.of(0xff));
  return concat(head(major, count), ...children);
}

function tagged(random: Random, levels: number): Uint8Array {
  const content = Uint8Array.from({ length: 8 * random.below(4) }, () => random.u32());
  switch (random.below(5)) {
    case 0:
      return concat(
        head(6, 1),
        Uint8Array.of(0xfb, 0x41),
        content.length === 0 ? new Uint8Array(7) : content.slice(0, 7),
      );
    case 1:
      return concat(head(6, 2 + random.below(2)), withBytes(2, content));
    case 2:
      return concat(
        head(6, 258),
        container(random, 4, () => item(random, levels - 1)),
      );
    case 3:
      return concat(
        head(6, 259),
        container(random, 5, () => concat(item(random, 1), item(random, levels - 1))),
      );
    default:
      return concat(head(6, random.between(64, 87)), withBytes(2, content));
  }
}

function text(random: Random): Uint8Array {
  return withBytes(
    3,
    Buffer.from(random.pick(['', 'a', 'id', 'é', 'name', 'constructor', 'x'.repeat(70), 'toString'])),
  );
}

function withBytes(major: 2 | 3, bytes: Uint8Array): Uint8Array {
  return concat(head(major, bytes.length), bytes);
}

function head(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const wide = Buffer.alloc(argument < 256 ? 2 : argument < 65_536 ? 3 : 5);
  wide[0] = (major << 5) | (wide.length === 2 ? 24 : wide.length === 3 ? 25 : 26);
  wide.writeUIntBE(argument, 1, wide.length - 1);
  return wide;
}

/** Items are units; the argument of a long head is a field, and of strings a length. */
function layout(input: Uint8Array): Layout {
  const fields: Field[] = [];
  const units: Unit[] = [];
  const spans: Span[] = [];
  walk(0, 0);
  return { fields, units, spans };

  /** The end of the item at `at`, or the end of the input where it has none. */
  function walk(at: number, depth: number): number {
    if (at >= input.length || depth > DEPTH_MOST || units.length > UNITS_MOST) return input.length;
    const major = input[at]! >> 5;
    const info = input[at]! & 31;
    const length: Field = { at: at + 1, bytes: WIDTHS[info - 24] ?? 1 };
    const isWide = info >= 24 && info <= 27;
    const contents = Math.min(input.length, isWide ? at + 1 + length.bytes : at + 1);
    const argument = isWide ? readField(input, length) : info;
    if (isWide && length.at + length.bytes <= input.length) fields.push(length);
    let end = contents;
    if (major === 2 || major === 3) end = Math.min(input.length, contents + argument);
    else if (major === 4 || major === 5)
      end = walkAll(contents, info === INDEFINITE ? input.length : argument * (major - 3), depth);
    else if (major === 6) end = walk(contents, depth + 1);
    units.push({ start: at, end });
    if (isWide && (major === 2 || major === 3)) spans.push({ start: contents, end, length });
    return end;
  }

  function walkAll(from: number, count: number, depth: number): number {
    let at = from;
    for (let i = 0; i < count && at < input.length; i++) {
      if (input[at] === 0xff) return at + 1;
      at = walk(at, depth + 1);
    }
    return at;
  }
}
