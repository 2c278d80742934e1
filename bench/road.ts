/**
 * A road is one way of moving messages between two processes, as the harness sees it: a receiving half and a sending
 * half. The harness owns time, counting and processes; a road owns its sockets.
 *
 * 1. A sending half keeps `depth` messages unanswered until it is closed (the paced road up to a burst less), and reports every
 *    answer to its tally.
 * 2. `close` leaves no socket, timer or handle, and may be called while messages are under way.
 * 3. tsx wraps every named closure in a call when it is made. The roads run through tsx, the fabric's `dist` does not:
 *    no road makes a named closure per message, or the comparison would flatter us.
 */
import type { Credentials, Side } from './credentials.ts';
import type { Plan } from './plan.ts';
import type { Tally } from './tally.ts';

/** What both halves are told about the run that they are part of. */
export interface Run {
  readonly plan: Plan;
  readonly receiver: Side;
  readonly sender: Side;
  /** For peers beyond the first. A half that is measured leaves it alone. */
  readonly credentials: Credentials;
}

/** The receiving half, listening at `run.receiver.address`. */
export interface Receiving {
  close(): Promise<void>;
}

/** The sending half, at work. */
export interface Sending {
  /** What was agreed on, for the report: the cipher, where the road knows it. */
  readonly agreed: string;
  close(): Promise<void>;
}

/** One way of moving messages. */
export interface Road {
  /** A road that only goes one way counts here what arrives; any other leaves the tally alone. */
  receive(run: Run, tally: Tally): Promise<Receiving>;
  /** Connects `peers` peers and, in a rate plan, starts the load. Resolves when all are connected. */
  send(run: Run, tally: Tally, peers: number): Promise<Sending>;
}
