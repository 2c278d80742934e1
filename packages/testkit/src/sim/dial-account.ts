/** What the oracle keeps of the dials and losses of one session, beside the machine's own policy. */
import type { Callis } from '@flaminia/delivery-a1/internal';

const NEVER = Number.POSITIVE_INFINITY;

/** What is known of the dials of one session, in the time of its domus. */
export interface DialAccount {
  /** The active primaries, as of the last event. */
  primaries: Callis[];
  /** The first send. */
  firstWorkAt: number;
  /** The last primary was lost then, and had been dialled by this side; NEVER while one is active, or before the first. */
  lostAt: number;
  wasOurs: boolean;
  /** The last dial of a primary failed then, and none has come or gone since. */
  failedAt: number;
  /** This side has dialled in this life of the session, or may have. */
  isOriginator: boolean;
  /** Nothing at all is connected since then. */
  cutOffAt: number;
}

export function newDialAccount(): DialAccount {
  return {
    primaries: [],
    firstWorkAt: NEVER,
    lostAt: NEVER,
    wasOurs: false,
    failedAt: NEVER,
    isOriginator: false,
    cutOffAt: NEVER,
  };
}
