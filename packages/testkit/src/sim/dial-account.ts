/** What the oracle keeps of the dials and losses of one session, beside the machine's own policy. */
import type { Callis, PeerSession } from '@flaminia/delivery-a1/internal';

const NEVER = Number.POSITIVE_INFINITY;

/** What is known of the dials of one session, in the time of its domus. */
export interface DialAccount {
  /** The active primaries, as of the last event. */
  primaries: Callis[];
  /** A callis was accepted beyond the limit: another must end for it. */
  owesReplacement: boolean;
  /** A callis was replaced at the limit then. */
  replacedAt: number;
  /** A silent primary was ended then, for one that came. */
  silentEndedAt: number;
  /** The first send. */
  firstWorkAt: number;
  /** The last primary was lost then, and had been dialled by this side; NEVER while one is active, or before the first. */
  lostAt: number;
  wasOurs: boolean;
  /** The last dial of a primary failed then, and none has come or gone since. */
  failedAt: number;
  /** The last dial of a primary failed then. */
  hopelessAt: number;
  /** The dial under way began in this life of the session: a failure of an older one is not counted against it. */
  isOfThisLife: boolean;
  /** This side has dialled in this life of the session, or may have. */
  isOriginator: boolean;
  /** The session of the peer that a message has come from, and which life of it that was. */
  partner: PeerSession | undefined;
  partnerEpoch: number;
  /** A blob callis was lost then, or its dial failed, or the primary that it needs came up; NEVER before the first. */
  blobLostAt: number;
  /** Since when one is needed, and none is dialled, as far as was seen; NEVER otherwise. */
  blobIdleAt: number;
  /** When the session last began, as new or after a restart, in the sequence of activations. */
  lifeSequence: number;
  /** Nothing at all is connected since then. */
  cutOffAt: number;
}

export function newDialAccount(): DialAccount {
  return {
    primaries: [],
    owesReplacement: false,
    replacedAt: NEVER,
    silentEndedAt: NEVER,
    firstWorkAt: NEVER,
    lostAt: NEVER,
    wasOurs: false,
    failedAt: NEVER,
    hopelessAt: NEVER,
    isOfThisLife: true,
    isOriginator: false,
    lifeSequence: 0,
    cutOffAt: NEVER,
    blobLostAt: NEVER,
    blobIdleAt: NEVER,
    partner: undefined,
    partnerEpoch: 0,
  };
}
