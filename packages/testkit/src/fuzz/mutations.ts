/**
 * The single changes that the mutator makes. Each takes an input and gives a new one; none looks at what the input means
 * beyond its layout.
 */
import type { Random } from '../sim/random.ts';
import { type Field, type Layout, replaceRange, type Unit, writeField } from './layout.ts';
import type { FuzzTarget } from './target.ts';

/** What a mutation may draw from. */
export interface Source {
  readonly random: Random;
  readonly target: FuzzTarget;
  /** Changes keep to the layout: whole units, known fields, and lengths put right. */
  readonly isCareful: boolean;
  layoutOf(input: Uint8Array): Layout;
  /** Another input of the corpus, or a generated one. */
  other(): Uint8Array;
}

export type Mutation = (input: Uint8Array, source: Source) => Uint8Array;

const INTERESTING_BYTES = [0, 1, 2, 3, 4, 0x1f, 0x20, 0x2f, 0x3a, 0x7f, 0x80, 0x81, 0x82, 0x9f, 0xbf, 0xfe, 0xff];
const INTERESTING_INTEGERS = [
  0n,
  1n,
  2n,
  8n,
  16n,
  31n,
  32n,
  33n,
  127n,
  128n,
  255n,
  256n,
  1023n,
  1024n,
  4095n,
  4096n,
  4097n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x1_0000n,
  0x1_0001n,
  0xff_ffffn,
  0x100_0000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];
const WIDTHS = [1, 2, 4, 8] as const;
const NOTHING = new Uint8Array(0);

const flipBit: Mutation = (input, { random }) => {
  const changed = input.slice();
  if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
  return changed;
};

const setByte: Mutation = (input, { random }) => {
  const changed = input.slice();
  if (changed.length > 0)
    changed[random.below(changed.length)] = random.chance(50) ? random.pick(INTERESTING_BYTES) : random.u32();
  return changed;
};

/** An interesting value in a known field, or in four bytes anywhere. */
const setInteger: Mutation = (input, source) => {
  const field = anyField(input, source);
  const changed = input.slice();
  if (field !== undefined) writeField(changed, field, source.random.pick(INTERESTING_INTEGERS));
  return changed;
};

/** A little more or less in a known field: lengths that lie, ids of the neighbour. */
const nudgeInteger: Mutation = (input, source) => {
  const field = anyField(input, source);
  const changed = input.slice();
  if (field === undefined) return changed;
  const at = field.at + field.bytes - 1;
  changed[at] = changed[at]! + source.random.between(-4, 4);
  return changed;
};

const truncate: Mutation = (input, { random }) => input.slice(0, random.below(input.length + 1));

const drop: Mutation = (input, source) => {
  if (source.isCareful && !source.target.unitsAreFree) return graft(input, source);
  const { start, end } = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), start, end, NOTHING);
};

const duplicate: Mutation = (input, source) => {
  if (source.isCareful && !source.target.unitsAreFree) return copyTo(input, source);
  const { start, end } = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), end, end, input.slice(start, end));
};

/** Puts a part of this input in the place of another. */
const copyTo: Mutation = (input, source) => {
  const from = anyRange(input, source);
  const to = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), to.start, to.end, input.slice(from.start, from.end));
};

/** Puts a part of another input in the place of one of this. */
const graft: Mutation = (input, source) => {
  const other = source.other();
  const from = anyRange(other, source);
  const to = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), to.start, to.end, other.slice(from.start, from.end));
};

/** The beginning of this input and the end of another. */
const splice: Mutation = (input, source) => {
  const other = source.other();
  return concat(input.subarray(0, anyRange(input, source).end), other.subarray(anyRange(other, source).start));
};

const insertBytes: Mutation = (input, source) => {
  const { random } = source;
  const at = placeFor(input, source);
  const bytes = Uint8Array.from({ length: random.skewed(1, 64) }, () => random.u32());
  return replaceRange(input, spansOrNone(input, source), at, at, bytes);
};

const insertWord: Mutation = (input, source) => {
  const { random, target } = source;
  if (target.words.length === 0) return insertBytes(input, source);
  const at = placeFor(input, source);
  return replaceRange(input, spansOrNone(input, source), at, at, random.pick(target.words));
};

/** Writes a word over what a span holds, or over any few bytes. */
const overwriteWithWord: Mutation = (input, source) => {
  const { random, target } = source;
  const { spans } = source.layoutOf(input);
  if (target.words.length === 0) return setInteger(input, source);
  if (source.isCareful && spans.length === 0) return graft(input, source);
  const { start, end } = spans.length > 0 ? random.pick(spans) : anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), start, end, random.pick(target.words));
};

/** Puts a part in the place of another. */
const replaceByPart: Mutation = (input, source) => {
  const { random, target } = source;
  if (target.parts.length === 0) return graft(input, source);
  const { start, end } = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), start, end, random.pick(target.parts));
};

/** Puts a part behind another. */
const insertPart: Mutation = (input, source) => {
  const { random, target } = source;
  if (target.parts.length === 0) return duplicate(input, source);
  if (source.isCareful && !target.unitsAreFree) return replaceByPart(input, source);
  const { end } = anyRange(input, source);
  return replaceRange(input, spansOrNone(input, source), end, end, random.pick(target.parts));
};

/** What mostly keeps an input valid. */
export const CAREFUL: readonly Mutation[] = [
  setInteger,
  nudgeInteger,
  drop,
  duplicate,
  copyTo,
  copyTo,
  graft,
  graft,
  overwriteWithWord,
  replaceByPart,
  replaceByPart,
  insertPart,
];

/** All there is. */
export const MUTATIONS: readonly Mutation[] = [...CAREFUL, flipBit, setByte, truncate, splice, insertBytes, insertWord];

/** Bytes one behind the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Lengths are put right three of four times at least, so that what lies behind the change is still reached. */
function spansOrNone(input: Uint8Array, source: Source): Layout['spans'] {
  return source.isCareful || source.random.chance(75) ? source.layoutOf(input).spans : [];
}

function anyField(input: Uint8Array, source: Source): Field | undefined {
  const { random, isCareful } = source;
  const { fields } = source.layoutOf(input);
  if (fields.length > 0 && (isCareful || random.chance(80))) return random.pick(fields);
  if (isCareful) return undefined;
  const bytes = random.pick(WIDTHS);
  return input.length < bytes ? undefined : { at: random.below(input.length - bytes + 1), bytes };
}

/** A unit, or any few bytes. */
function anyRange(input: Uint8Array, source: Source): Unit {
  const { random, isCareful } = source;
  const { units } = source.layoutOf(input);
  if (units.length > 0 && (isCareful || random.chance(75))) return random.pick(units);
  const start = random.below(input.length + 1);
  return { start, end: start + Math.min(input.length - start, random.skewed(0, 64)) };
}

/** Inside a span most of the time, since there the layout goes on to hold. */
function placeFor(input: Uint8Array, source: Source): number {
  const { random } = source;
  const { spans } = source.layoutOf(input);
  if (spans.length === 0 || random.chance(25)) return random.below(input.length + 1);
  const { start, end } = random.pick(spans);
  return random.between(start, end);
}
