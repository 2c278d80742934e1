/** What a run of the simulation of calls has exercised: a situation that never occurred proves nothing. */
import { Occurrences } from '../occurrences.ts';

export const SITUATIONS = [
  'call answered',
  'stream read to its end',
  'stream of inputs sent to its end',
  'one-way call taken',
  'call failed: cancelled',
  'call failed: deadline-exceeded',
  'call failed: unavailable',
  'call failed: no-providers',
  'call failed: resource-exhausted',
  'call failed: internal',
  'call failed: not-found',
  'call failed: invalid-argument',
  'call failed: unauthorized',
  'call failed: data-loss',
  'call to the own node',
  'call as part of another',
  'call waited for providers',
  'call refused: maxPending',
  'second try made',
  'third try made',
  'second try answered',
  'hedge won',
  'cancel before the call was taken',
  'cancel sent again',
  'answer sent again',
  'deadline at the callee',
  'handler aborted: cancelled',
  'handler aborted by the end of a service',
  'handler threw',
  'handler ran for a caller that is gone',
  'outputs left by the reader',
  'inputs left by the handler',
  'stream of inputs threw',
  'stream cut in the middle',
  'sender without credit',
  'sender with all under way that may be',
  'credit given',
  'call waited for a handler',
  'call refused: no place',
  'provider ejected',
  'provider readmitted',
  'service withdrawn',
  'node left',
  'node crashed',
  'node slept',
  'clock on the wall set',
  'taberna busy',
  'message sent again on another connection',
  'answer of A1 given again',
  'message given up written',
  'message given up unwritten',
  'dial failed',
  'connection lost',
  'session begun',
  'session resumed',
  'session begun anew',
  'session ended, out of reach',
  'session released',
] as const;

export type Situation = (typeof SITUATIONS)[number];

/** From so many seeds on, every situation must have occurred. */
export const FULL_RUN_SEEDS = 400;

export class Situations extends Occurrences<Situation> {
  constructor() {
    super(SITUATIONS);
  }

  /** Situations that never occurred, though a run of so many seeds should have had them. */
  missing(seeds: number): Situation[] {
    return seeds < FULL_RUN_SEEDS ? [] : this.never;
  }
}
