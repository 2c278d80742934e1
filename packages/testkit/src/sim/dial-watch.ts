/**
 * The oracle's eye on dials and connections: when a session may dial, when it must, and which connections end for what
 * (rule 8). It keeps its own account of failures, losses and limits, beside that of the machine.
 */
import type { Callis, CallisKind, CoreEvent, PeerSession } from '@flaminia/delivery-a1/internal';
import type { DialAccount } from './dial-account.ts';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import type { PeerDriver, VirtualDomus } from './virtual-domus.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Divisions of deadlines give parts of a millisecond. */
const ROUNDING_MS = 0.01;

/** A session begins to dial. */
export function checkDial(domus: VirtualDomus, session: PeerSession, kind: CallisKind): void {
  const account = accountOf(session);
  if ((session.driver as PeerDriver).attempts[kind] !== undefined)
    throw new RuleBroken(8, `a second ${kind} dial begins while one is under way`);
  if (kind === 'blob') {
    if (session.outlet === undefined) throw new RuleBroken(8, 'a blob callis is dialled without a primary');
    return;
  }
  if (session.outlet?.isSilent === false) throw new RuleBroken(8, 'a primary is dialled beside one that serves');
  if (session.outlet === undefined) checkWait(domus, account);
  account.isOriginator = true;
}

function checkWait(domus: VirtualDomus, { failedAt, firstWorkAt, lostAt, isOriginator }: DialAccount): void {
  const { settings } = domus.core;
  const now = domus.now() + ROUNDING_MS;
  if (failedAt !== NEVER && now < failedAt + settings.reconnectBackoffMs[0]!)
    throw new RuleBroken(8, `a dial ${now - failedAt} ms after the one that failed`);
  if (isOriginator) return;
  if (lostAt === NEVER && now < firstWorkAt + settings.listenerDelayMs)
    throw new RuleBroken(8, 'a listener dials before its delay');
  const patience = Math.min(settings.listenerReconnectTimeoutMs, settings.sendTimeoutMs / 3);
  if (lostAt !== NEVER && now < lostAt + patience)
    throw new RuleBroken(8, 'a listener that has lost its peer dials before that could come back');
}

/** What a session says about its connections. */
export function checkEvent(domus: VirtualDomus, event: CoreEvent): void {
  if (event.kind === 'protocol-violation') {
    if (!event.detail.includes('is over the limit'))
      throw new RuleBroken(9, `a correct peer violates: ${event.detail}`);
    return;
  }
  const session = 'address' in event ? domus.core.peers.get(event.address) : undefined;
  if (session === undefined) return;
  const account = accountOf(session);
  const { kind } = event;
  if (kind === 'limited-log') checkLimit(domus, session, event.id);
  else if (kind === 'peer-dial-failed') account.failedAt = event.callis === 'primary' ? domus.now() : account.failedAt;
  else if (kind === 'primary-callis-connected') noteConnected(session, account);
  else if (kind === 'blob-callis-connected') account.cutOffAt = NEVER;
  else if (kind === 'peer-session-restarted') account.isOriginator = true;
  else if (kind === 'primary-callis-disconnected') {
    checkLoss(domus, session, event.reason, account);
    noteLost(domus, session, account);
  }
}

function noteLost(domus: VirtualDomus, session: PeerSession, account: DialAccount): void {
  const lost = account.primaries.find((callis) => !callis.isActivePrimary);
  account.primaries = activePrimaries(session);
  account.failedAt = NEVER;
  if (account.primaries.length > 0 || lost === undefined) return;
  account.lostAt = domus.now();
  account.wasOurs = lost.dialled;
}

function activePrimaries(session: PeerSession): Callis[] {
  return session.calles.filter((callis) => callis.isActivePrimary);
}

function noteConnected(session: PeerSession, account: DialAccount): void {
  account.primaries = activePrimaries(session);
  account.failedAt = NEVER;
  account.lostAt = NEVER;
  account.cutOffAt = NEVER;
}

function checkLoss(domus: VirtualDomus, session: PeerSession, reason: string, { failedAt }: DialAccount): void {
  if (reason === 'unreachable') throw new RuleBroken(8, 'a peer is given up while it is connected');
  if (reason !== 'silent' || session.state.kind !== 'open' || failedAt === domus.now()) return;
  const isReplaced = session.calles.some((callis) => callis.isActivePrimary && !callis.isSilent);
  if (!isReplaced) throw new RuleBroken(8, 'a silent primary ends before another stands in its place');
}

/** A hello is refused only where the limit is reached. */
function checkLimit(domus: VirtualDomus, session: PeerSession, logId: number): void {
  const { inboundHandshakeLimitPerPeer, maxParallelCallisPerPeer } = domus.core.settings;
  const count = (phase: string): number => session.calles.filter((callis) => callis.phase === phase).length;
  if (logId === 1002 && count('awaiting-hello') < inboundHandshakeLimitPerPeer)
    throw new RuleBroken(5, 'a connection is dropped, though a hello more may be under way');
  if (logId === 1003 && count('active') < maxParallelCallisPerPeer)
    throw new RuleBroken(5, 'a hello is refused, though a callis more may be active');
}

/** Dials and losses that nothing has followed in time. */
export function auditDials(domus: VirtualDomus, session: PeerSession): void {
  const account = accountOf(session);
  const { attempts } = session.driver as PeerDriver;
  for (const attempt of [attempts.primary, attempts.blob]) {
    if (attempt !== undefined && domus.elapsedMs(attempt.began) > domus.longestConnectMs + TICK_MS)
      throw new RuleBroken(8, 'a dial takes longer than callisConnectTimeout');
  }
  const now = domus.now();
  if (session.state.kind !== 'open' || !session.live || session.calles.some((callis) => callis.phase === 'active')) {
    account.cutOffAt = NEVER;
    return;
  }
  if (account.cutOffAt === NEVER) account.cutOffAt = now;
  if (now > account.cutOffAt + domus.longestTimeoutMs + TICK_MS)
    throw new RuleBroken(8, 'a peer that is not to be had is not given up');
  const { lostAt, wasOurs, failedAt } = account;
  const since = failedAt === NEVER ? lostAt : failedAt;
  if (lostAt !== NEVER && wasOurs && session.dial.kind === 'idle' && now > since + domus.longestBackoffMs + TICK_MS)
    throw new RuleBroken(8, 'the side that has dialled does not dial again');
}

function accountOf(session: PeerSession): DialAccount {
  return (session.driver as PeerDriver).dials;
}
