/** Every case of the suite. Cases of a new feature are a new file here. */
import type { ConformanceCase } from '../conformance-case.ts';
import { ANSWERS } from './answers.ts';
import { CLOSING } from './closing.ts';
import { DIALLING } from './dialling.ts';
import { DUPLICATES } from './duplicates.ts';
import { ERROR_FRAMES } from './error-frames.ts';
import { GREETINGS } from './greetings.ts';
import { KEEPALIVES } from './keepalives.ts';
import { LIMITS } from './limits.ts';
import { MUTATIONS } from './mutations.ts';
import { CUTS, PIECES } from './pieces.ts';
import { PRIMARY_FRAMES } from './primary-frames.ts';
import { SENDS } from './sends.ts';

/** Written one by one. */
export const BY_HAND: readonly ConformanceCase[] = [
  ...GREETINGS,
  ...PRIMARY_FRAMES,
  ...ERROR_FRAMES,
  ...PIECES,
  ...ANSWERS,
  ...DUPLICATES,
  ...SENDS,
  ...DIALLING,
  ...LIMITS,
  ...KEEPALIVES,
  ...CLOSING,
];

/** Derived from tables, one of a kind for each field and byte. */
export const GENERATED: readonly ConformanceCase[] = [...MUTATIONS, ...CUTS];

export const CASES: readonly ConformanceCase[] = [...BY_HAND, ...GENERATED];
