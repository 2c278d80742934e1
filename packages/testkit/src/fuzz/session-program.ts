/**
 * Inputs of the `session` target: a byte of options, then steps of six bytes: what to do, on which callis (connection),
 * and four bytes of detail. A step of raw bytes is as long as it says. Every sequence of bytes is a program.
 */
import type { Random } from '../sim/random.ts';
import { encodeFrame, errorPayload } from '../sim/raw-peer.ts';
import { frameLayout } from './frame-layout.ts';
import type { Field, Layout, Span, Unit } from './layout.ts';
import { concat } from './mutations.ts';

/** What a step does. A frame is built from a few bytes, so that most of what mutation makes of it is a frame again. */
export const STEPS = [
  'frame',
  'raw',
  'accept',
  'dialled',
  'dial-failed',
  'down',
  'wait',
  'send',
  'take',
  'decide',
  'blocked',
  'drained',
  'close-peer',
  'settings',
  'begin-shutdown',
  'end-shutdown',
] as const;
export type StepKind = (typeof STEPS)[number];

export interface Step {
  readonly kind: StepKind;
  /** Which of the open calles. */
  readonly which: number;
  readonly details: readonly [number, number, number, number];
  /** Of a raw step. */
  readonly bytes: Uint8Array;
}

export interface Options {
  /** As over TCP, where the machine nudges. */
  readonly nudges: boolean;
  /** Short queues and small payloads. */
  readonly isSmall: boolean;
  /** The own address is below the peer's, which decides who gives way. */
  readonly isLower: boolean;
  /** Lets all deadlines pass before the end. */
  readonly drains: boolean;
  /** The first message id: that of most sessions, or one about to wrap. */
  readonly firstId: number;
}

const STEP_BYTES = 6;
const RAW = STEPS.indexOf('raw');
const NO_BYTES = new Uint8Array(0);
/** The frames of an active callis come first and stand several times, so that most programs live for a while. */
const FRAME_TYPES = [
  1, 2, 0x100_0000, 4, 0x100_0007, 6, 0x1_0000, 3, 0x100_0000, 4, 0x100_0000, 6, 0xffff_ffff, 0xff_ffff, 4, 0x1_0000,
  0x100_0000, 4, 0x100_0001, 6, 0x100_0000, 3, 5, 7, 8, 9, 0, 0xffff, 0x100_0000, 4, 0x100_0000, 6,
];
const FRAME_FLAGS = [0, 0, 0, 0, 2, 1, 3, 4];
const MESSAGE_BYTES = [0, 3, 100, 5000];

export function optionsOf(program: Uint8Array): Options {
  const bits = program[0] ?? 0;
  return {
    nudges: (bits & 1) !== 0,
    isSmall: (bits & 2) !== 0,
    isLower: (bits & 4) !== 0,
    drains: (bits & 8) !== 0,
    firstId: (bits & 16) !== 0 ? 0xffff_fffe : 0x8000_0000,
  };
}

export function* stepsOf(program: Uint8Array): Iterable<Step> {
  for (let at = 1; at < program.length; ) {
    const end = endOfStep(program, at);
    const kind = STEPS[program[at]! % STEPS.length]!;
    const [, which = 0, a = 0, b = 0, c = 0, d = 0] = program.subarray(at, at + STEP_BYTES);
    const bytes = kind === 'raw' ? program.subarray(Math.min(end, at + 4), end) : NO_BYTES;
    yield { kind, which, details: [a, b, c, d], bytes };
    at = end;
  }
}

/** The bytes of a frame step: type, flags, id and payload, all of them likely ones. */
export function frameOf([typeAt, flagsAt, idAt, shape]: Step['details'], firstId: number): Buffer {
  const type = FRAME_TYPES[typeAt % FRAME_TYPES.length]!;
  const flags = FRAME_FLAGS[flagsAt % FRAME_FLAGS.length]!;
  const id = idAt < 128 ? (firstId + idAt) >>> 0 : idAt - 128;
  const isHello = type === 1 || type === 2;
  if (type > 0xffff) {
    const payload = new Uint8Array(MESSAGE_BYTES[(shape >> 2) & 3]!).fill(idAt);
    const lie = shape >= 240 ? { payloadLength: payload.length + shape - 239 } : {};
    return encodeFrame({ type, flags, id, dst: shape & 3, payload, ...lie });
  }
  if (type === 6) return encodeFrame({ type, flags, id, payload: errorPayload(shape & 31, 'x'.repeat(shape >> 5)) });
  if (isHello && (flags & 1) !== 0 && shape < 240) return encodeFrame({ type, flags, id, payload: Buffer.alloc(8, 1) });
  return encodeFrame({ type, flags, id: isHello ? 0 : id, payload: new Uint8Array(shape >= 240 ? shape - 239 : 0) });
}

/** Steps are units; their details are fields, and raw bytes are laid out as the frames that they are. */
export function programLayout(program: Uint8Array): Layout {
  const fields: Field[] = [{ at: 0, bytes: 1 }];
  const units: Unit[] = [];
  const spans: Span[] = [];
  for (let at = 1; at < program.length; ) {
    const end = endOfStep(program, at);
    units.push({ start: at, end });
    for (let i = at; i < Math.min(end, at + STEP_BYTES); i++) fields.push({ at: i, bytes: 1 });
    if (program[at]! % STEPS.length === RAW && at + 4 <= end) {
      const inside = frameLayout(program, at + 4, end);
      spans.push({ start: at + 4, end, length: { at: at + 2, bytes: 2 } }, ...inside.spans);
      fields.push(...inside.fields);
      units.push(...inside.units);
    }
    at = end;
  }
  return { fields: program.length === 0 ? [] : fields, units, spans };
}

/** A program that begins with a hello exchange, as either side, and goes on at random; most of its steps are frames. */
export function generateProgram(random: Random): Uint8Array {
  const asListener = [step('accept'), step('frame', 0, 0)];
  const asDialler = [step('send', 0, 2, 1, 10, 200), step('dialled'), step('frame', 0, 1)];
  const opening = random.chance(50) ? asListener : random.chance(80) ? asDialler : [];
  const steps = Array.from({ length: random.between(1, 24) }, () => randomStep(random));
  return concat(Uint8Array.of(random.below(32)), ...opening, ...steps);
}

export function step(kind: StepKind, which = 0, ...details: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(STEP_BYTES);
  bytes.set([STEPS.indexOf(kind), which, ...details]);
  return bytes;
}

export function rawStep(which: number, bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(RAW, which, bytes.length >> 8, bytes.length & 0xff), bytes);
}

function randomStep(random: Random): Uint8Array {
  const which = random.below(3);
  const byte = (): number => random.u32() & 0xff;
  const id = random.chance(50) ? random.below(4) : 128 + random.below(8);
  if (random.chance(50)) return step('frame', which, random.between(2, 31), byte() & 3, id, byte() & 0x1f);
  const kind = random.chance(70)
    ? random.pick(['send', 'take', 'decide', 'wait', 'accept', 'dialled', 'down'] as const)
    : random.pick(STEPS);
  return kind === 'raw'
    ? step('frame', which, byte(), byte(), byte(), byte())
    : step(kind, which, byte(), byte(), byte(), byte());
}

function endOfStep(program: Uint8Array, at: number): number {
  const isRaw = program[at]! % STEPS.length === RAW;
  const length = isRaw ? 4 + ((program[at + 2] ?? 0) << 8) + (program[at + 3] ?? 0) : STEP_BYTES;
  return Math.min(program.length, at + length);
}
