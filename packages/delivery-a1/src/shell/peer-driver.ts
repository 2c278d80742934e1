/** What the shell keeps for one peer session: its one timer, its dial, and who the peer is. */
import type { PeerIdentity } from '@flaminia/transport-a0';
import type { PeerSession } from '../core/peer-session.ts';
import type { CallisKind } from '../core/sink.ts';
import { Alarm } from './alarm.ts';
import type { Clock } from './clock.ts';

/** Who is at the other end of one connection. Never changed, since requests that came on it refer to it. */
export class Sender {
  readonly identity: PeerIdentity;
  /** For the facade: what it derives from the identity, once somebody asks. */
  caller: unknown = undefined;

  constructor(identity: PeerIdentity) {
    this.identity = identity;
  }
}

export class PeerDriver {
  readonly session: PeerSession;
  readonly alarm: Alarm;
  /** The dials under way, by kind; a new one or none makes the outcome of the old one unwanted. */
  readonly dials: Record<CallisKind, AbortController | undefined> = { primary: undefined, blob: undefined };
  /** As the newest callis proved it. */
  identity: PeerIdentity | undefined = undefined;
  /** The next flush looks at the session. */
  isDirty = false;

  constructor(session: PeerSession, clock: Clock, due: (session: PeerSession) => void) {
    this.session = session;
    this.alarm = new Alarm(clock, () => due(session));
  }
}

/** The driver of a session that the shell runs. */
export function driverOf(session: PeerSession): PeerDriver {
  return session.driver as PeerDriver;
}
