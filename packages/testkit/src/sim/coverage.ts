/**
 * What a run has exercised. Rare situations must really happen, or a green run proves little: in a run of
 * {@link FULL_RUN_SEEDS} seeds each must have occurred, in one of {@link LONG_RUN_SEEDS} the rarest too.
 */
import { Occurrences } from '../occurrences.ts';

export const SOMETIMES = [
  'send accepted',
  'send rejected',
  'send to unknown taberna',
  'send busy: ingress full or not taken',
  'send timed out unwritten',
  'send timed out written',
  'send failed: peer-unavailable',
  'send failed: peer-restarted',
  'send failed: domus-closed',
  'send failed: taberna-shutdown',
  'send failed: protocol-violation',
  'A2 lane full',
  'A3 lane full',
  'send waited for room',
  'send to the own domus',
  'payload by reference',
  'empty payload',
  'replay',
  'answer lost on another connection',
  'replay after an id wrap',
  'id wrap',
  'duplicate suppressed',
  'answer given again',
  'duplicate while its answer waits (1005, 1006)',
  'late answer ignored',
  'delayed decision',
  'decision for a session that is gone',
  'two primaries at once',
  'takeover by another primary',
  'outlet moved off a stalled primary',
  'session restarted',
  'RECONNECT resumed',
  'RECONNECT answered plainly',
  'plain hello to a held session',
  'old connection read after the new one came up',
  'write blocked',
  'write stalled',
  'silent primary replaced',
  'keepalive',
  'nudge',
  'dial failed',
  'connect timeout',
  'hello refused at the callis limit (1003)',
  'hello beyond the handshake limit (1002)',
  'callis replaced at the limit',
  'close received',
  'peer torn down as unreachable',
  'reset with bytes in flight',
  'half-open connection',
  'partition',
  'node paused',
  'node crashed',
  'node shut down gracefully',
  'peer closed gracefully',
  'settings changed live',
  'bytes one at a time',
  'stream complete',
  'stream read to its end',
  'stream failed',
  'stream given up by its writer',
  'stream idle for too long',
  'chunk written again',
  'chunk refused',
  'last chunk written',
  'complete said again',
  'blob callis up',
  'blob callis resumed',
  'two blob calles at once',
  'blob callis lost',
  'blob callis without primary',
  'no room for a stream',
  'stream stands in line',
  'calm reached',
] as const;

export type Situation = (typeof SOMETIMES)[number];

/** From so many seeds on, every situation must have occurred, but for the rarest. */
export const FULL_RUN_SEEDS = 800;

/** From so many seeds on, all of them. */
export const LONG_RUN_SEEDS = 10_000;

/** About one seed in a thousand: two primaries, one of them stalled for long, and enough to write. */
const RAREST: readonly Situation[] = ['outlet moved off a stalled primary'];

export class Coverage extends Occurrences<Situation> {
  constructor() {
    super(SOMETIMES);
  }

  /** Situations that never occurred, though a run of so many seeds should have had them. */
  missing(seeds: number): Situation[] {
    if (seeds < FULL_RUN_SEEDS) return [];
    return this.never.filter((situation) => seeds >= LONG_RUN_SEEDS || !RAREST.includes(situation));
  }
}
