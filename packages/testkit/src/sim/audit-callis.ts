/**
 * What the oracle looks at from time to time at each connection: phases that last too long, keepalives that are missing,
 * silence that nobody notices, writes that do not drain (rules 5 and 8). Times are those of the virtual network.
 */
import type { Callis, PeerSession } from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import type { VirtualDomus } from './virtual-domus.ts';

/** Silence before anything is known of the peer's rhythm, and how much longer than that rhythm it may be. */
const SILENCE_MS = 22_500;
const SILENCE_FACTOR = 1.5;
/** How long chunks wait for a sign that the peer counts their callis. */
const PROOF_MS = 20;
/** A callis that lingers. */
const LINGER_MS = 1000;

export function auditCalles(domus: VirtualDomus, session: PeerSession): void {
  const { calles } = session;
  if (calles.length > 2 * domus.largestCalles) throw new RuleBroken(5, `${calles.length} calles to one peer`);
  for (const callis of calles) {
    auditCallis(domus, session, callis);
  }
}

function auditCallis(domus: VirtualDomus, session: PeerSession, callis: Callis): void {
  const frameMost = 32 + domus.core.settings.maxPayloadLen;
  if (session.retained.isEmpty && callis.isOwed)
    throw new RuleBroken(8, 'a callis carries messages that nobody waits for');
  const { carriedBytes } = callis.decoder;
  if (carriedBytes > frameMost) throw new RuleBroken(5, `${carriedBytes} bytes carried`);
  const end = callis.driver as End;
  if (callis.phase === 'active') {
    auditWrites(domus, callis, end);
    const isLate = callis.blob?.isProven === false && domus.now() > callis.activeSince + PROOF_MS + TICK_MS;
    if (isLate) throw new RuleBroken(8, 'a blob callis carries no chunk for too long');
    if (callis.blob === undefined) auditSilence(domus, session, callis, end);
  } else if (callis.phase === 'leaving') {
    auditLeaving(domus, callis);
  } else if (domus.elapsedMs(end.joinedAt) > domus.longestConnectMs + TICK_MS) {
    throw new RuleBroken(8, `a callis is ${callis.phase} beyond callisConnectTimeout`);
  }
}

/** Answers that were drained into it have until the end of the close. */
function auditLeaving(domus: VirtualDomus, callis: Callis): void {
  const most = domus.now() + domus.longestTimeoutMs + LINGER_MS + TICK_MS;
  if (callis.deadline > most) throw new RuleBroken(8, 'a callis may linger for too long');
}

function auditWrites(domus: VirtualDomus, callis: Callis, end: End): void {
  const { keepaliveIntervalMs } = domus.core.settings;
  if (end.outward.isBlocked) {
    if (domus.elapsedMs(end.blockedAt) > domus.longestTimeoutMs + TICK_MS)
      throw new RuleBroken(8, 'a write that does not drain is not given up');
    return;
  }
  if (callis.blob !== undefined || keepaliveIntervalMs === 0 || callis.isBlocked) return;
  const written = domus.elapsedMs(Math.max(end.writtenAt, end.joinedAt, end.drainedAt, domus.settingsAt));
  const idle = Math.min(written, domus.now() - callis.activeSince);
  if (idle > keepaliveIntervalMs + TICK_MS) throw new RuleBroken(8, `no keepalive for ${idle} ms`);
}

function auditSilence(domus: VirtualDomus, session: PeerSession, callis: Callis, end: End): void {
  const others = session.calles.filter((other) => other !== callis && other.isActivePrimary);
  if (callis.isSilent && others.some((other) => !other.isSilent))
    throw new RuleBroken(8, 'a silent primary stays beside one that serves');
  if (callis.isSilent && session.state.kind === 'open' && session.dial.kind === 'idle')
    throw new RuleBroken(8, 'a silent primary stays, and nobody dials another');
  if (callis.isSilent || !callis.isOwed) return;
  const asked = domus.now() - callis.askedAt;
  const silent = domus.elapsedMs(Math.max(end.readAt, end.joinedAt));
  const limit = Math.max(SILENCE_MS, domus.elapsedMs(domus.world.time - end.longestGap) * SILENCE_FACTOR);
  if (Math.min(asked, silent) > limit + TICK_MS) throw new RuleBroken(8, `silence of ${silent} ms is not noticed`);
}
