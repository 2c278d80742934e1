/** `json`: JSON text (domus-api, codecs). */
import { json as jsonCodec } from '@flaminia/domus';
import type { Random } from '../../sim/random.ts';
import { checkDecoding } from '../codec-check.ts';
import type { Layout, Unit } from '../layout.ts';
import type { FuzzTarget } from '../target.ts';

const CODEC = jsonCodec();
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const SEEDS = [
  'null',
  '{"id":7,"name":"alpha","tags":["a","b"],"nested":{"n":-1.5e-7,"t":true,"none":null}}',
  '["\\u00e9","\\ud83d\\ude00","\\n",1e400,-0,[[[]]]]',
  '{"constructor":1,"toString":{"a":[]},"":""}',
];

const VALUES = [
  '{"__proto__":{"polluted":1}}',
  '{"\\u005f_proto__":1}',
  '{"constructor":{"prototype":{}}}',
  '{"constructor":[1]}',
  '"\\ud800"',
  '"\\u0000"',
  '"__proto__"',
  '1e999',
  '-0',
  '9007199254740993',
  'true',
  '[[[[[[[[]]]]]]]]',
  '{"":{"":{"":{}}}}',
];
const WORDS = ['[[[[[[[[', '{"a":', ',', ' ', '\\u', '\ufeff'];

export const json: FuzzTarget = {
  name: 'json',
  maxBytes: 4096,
  words: [...WORDS.map((text) => Buffer.from(text)), Uint8Array.of(0xff), Uint8Array.of(0xed, 0xa0, 0x80)],
  unitsAreFree: false,
  parts: VALUES.map((text) => Buffer.from(text)),
  seeds: () => SEEDS.map((text) => Buffer.from(text)),
  generate: (random) => Buffer.from(JSON.stringify(value(random, random.between(1, 6)))),
  layout,
  run: (input) => checkDecoding(CODEC, input),
};

function value(random: Random, levels: number): unknown {
  const count = random.skewed(0, 8);
  switch (random.below(levels > 1 ? 7 : 5)) {
    case 0:
      return null;
    case 1:
      return random.chance(50);
    case 2:
      return random.below(1000) / 8;
    case 3:
      return random.u32() * 2 ** 30;
    case 4:
      return random.pick(['', 'a', 'é', '"\\', '\u2028', 'x'.repeat(100), '__proto__']);
    case 5:
      return Array.from({ length: count }, () => value(random, levels - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          random.pick(['a', 'constructor', '', `k${i}`]),
          value(random, levels - 1),
        ]),
      );
  }
}

/** Strings, numbers, words, and what stands in matching brackets, are units. */
function layout(input: Uint8Array): Layout {
  const units: Unit[] = [];
  const open: number[] = [];
  for (let at = 0; at < input.length; at++) {
    const byte = input[at]!;
    if (byte === QUOTE) {
      const start = at;
      for (at++; at < input.length && input[at] !== QUOTE; at++) if (input[at] === BACKSLASH) at++;
      units.push({ start, end: Math.min(input.length, at + 1) });
    } else if (isPlain(byte)) {
      const start = at;
      while (isPlain(input[at + 1])) at++;
      units.push({ start, end: at + 1 });
    } else if (byte === 0x5b || byte === 0x7b) {
      open.push(at);
    } else if (byte === 0x5d || byte === 0x7d) {
      const start = open.pop();
      if (start !== undefined) units.push({ start, end: at + 1 });
    }
  }
  return { fields: [], units, spans: [] };
}

/** Of numbers and of true, false and null. */
function isPlain(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2e;
}
