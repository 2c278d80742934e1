/** Every case of the suite. Cases of a new feature are a new file here. */
import type { ConformanceCase } from '../conformance-case.ts';
import { ANSWERS } from './answers.ts';
import { BLOBS_CALLIS } from './blobs-callis.ts';
import { BLOBS_DIALLING } from './blobs-dialling.ts';
import { BLOBS_GREETING } from './blobs-greeting.ts';
import { BLOBS_MUTATIONS } from './blobs-mutations.ts';
import { BLOBS_OFFERS } from './blobs-offers.ts';
import { BLOBS_RECEIVING } from './blobs-receiving.ts';
import { BLOBS_REFUSED } from './blobs-refused.ts';
import { BLOBS_SENDING } from './blobs-sending.ts';
import { BLOBS_SENDING_ENDS } from './blobs-sending-ends.ts';
import { CLOSING } from './closing.ts';
import { DIALLING } from './dialling.ts';
import { DUPLICATES } from './duplicates.ts';
import { ERROR_FRAMES } from './error-frames.ts';
import { GREETINGS } from './greetings.ts';
import { KEEPALIVES } from './keepalives.ts';
import { LANES } from './lanes.ts';
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
  ...LANES,
  ...LIMITS,
  ...KEEPALIVES,
  ...CLOSING,
  ...BLOBS_GREETING,
  ...BLOBS_DIALLING,
  ...BLOBS_CALLIS,
  ...BLOBS_OFFERS,
  ...BLOBS_RECEIVING,
  ...BLOBS_REFUSED,
  ...BLOBS_SENDING,
  ...BLOBS_SENDING_ENDS,
];

/** Derived from tables, one of a kind for each field and byte. */
export const GENERATED: readonly ConformanceCase[] = [...MUTATIONS, ...BLOBS_MUTATIONS, ...CUTS];

export const CASES: readonly ConformanceCase[] = [...BY_HAND, ...GENERATED];
