/**
 * The oracle's eye on dials and connections: when a session may dial, when it must, and which connections end for what
 * (rule 8). It keeps its own account of failures, losses and limits, beside that of the machine.
 */
import type { Callis, CallisKind, CoreEvent, PeerSession } from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import type { DialAccount } from './dial-account.ts';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import type { PeerDriver, VirtualDomus } from './virtual-domus.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Log ids. */
const HELLO_LIMIT = 1002;
const CALLIS_LIMIT = 1003;
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
  account.isOfThisLife = true;
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
export function checkEvent(domus: VirtualDomus, session: PeerSession | undefined, event: CoreEvent): void {
  if (event.kind === 'protocol-violation') {
    if (!event.detail.includes('is over the limit'))
      throw new RuleBroken(9, `a correct peer violates: ${event.detail}`);
    return;
  }
  if (session === undefined) return;
  const account = accountOf(session);
  const { kind } = event;
  if (kind === 'limited-log') {
    if (event.id === CALLIS_LIMIT || event.id === HELLO_LIMIT) checkLimit(domus, session, event.id);
    return;
  }
  if (kind === 'outbound-queue-overrun') return;
  noteLimit(domus, session, event, account);
  if (kind === 'peer-dial-failed') noteFailure(domus, account, event.callis);
  else if (kind === 'primary-callis-connected') {
    noteConnected(session, account);
    noteBlob(domus, account);
  } else if (kind === 'blob-callis-disconnected') account.blobLostAt = domus.now();
  else if (kind === 'blob-callis-connected') account.cutOffAt = NEVER;
  else if (kind === 'peer-connected' && event.freshSession)
    account.lifeSequence = Math.max(...activePrimaries(session).map(({ activatedSequence }) => activatedSequence));
  else if (kind === 'peer-session-restarted') noteRestart(domus, session, account);
  else if (kind === 'primary-callis-disconnected') {
    checkLoss(domus, session, event.reason, account);
    noteLost(domus, session, account);
  }
}

/** The peer must really have forgotten the life of the session that messages have come from. */
function noteRestart(domus: VirtualDomus, session: PeerSession, account: DialAccount): void {
  const { partner, partnerEpoch } = account;
  const peer = domus.world.partyAt(domus.world.indexOf(session.address)) as VirtualDomus | undefined;
  const isHeld =
    partner?.confirmed === true && partner.live && partner.epoch === partnerEpoch && partner.state.kind === 'open';
  if (isHeld && peer?.core.peers.get(domus.address) === partner)
    throw new RuleBroken(
      7,
      `domus ${domus.index} takes domus ${peer.index} for restarted, which still holds the session`,
    );
  if (session.calles.some(({ phase }) => phase === 'active' || phase === 'leaving'))
    throw new RuleBroken(7, 'a callis of the old life outlives a restart');
  account.isOriginator = true;
  account.isOfThisLife = false;
  account.partner = undefined;
}

function noteLost(domus: VirtualDomus, session: PeerSession, account: DialAccount): void {
  const lost = account.primaries.find((callis) => !callis.isActivePrimary);
  account.primaries = activePrimaries(session);
  account.failedAt = NEVER;
  if (lost === undefined) return;
  (lost.driver as End).leftAt = domus.now();
  if (account.primaries.length > 0) return;
  account.lostAt = domus.now();
  account.wasOurs = lost.dialled;
}

function activePrimaries(session: PeerSession): Callis[] {
  return session.calles.filter((callis) => callis.isActivePrimary);
}

function noteFailure(domus: VirtualDomus, account: DialAccount, kind: CallisKind): void {
  if (kind === 'blob') {
    noteBlob(domus, account);
    return;
  }
  account.hopelessAt = domus.now();
  account.failedAt = account.isOfThisLife ? domus.now() : NEVER;
}

/** The next blob dial may wait from now on, where there was one before. */
function noteBlob(domus: VirtualDomus, account: DialAccount): void {
  if (account.blobLostAt !== NEVER) account.blobLostAt = domus.now();
}

function noteConnected(session: PeerSession, account: DialAccount): void {
  account.primaries = activePrimaries(session);
  account.failedAt = NEVER;
  account.lostAt = NEVER;
  account.cutOffAt = NEVER;
}

function checkLoss(domus: VirtualDomus, session: PeerSession, reason: string, { hopelessAt }: DialAccount): void {
  if (reason === 'unreachable') throw new RuleBroken(8, 'a peer is given up while it is connected');
  if (reason !== 'silent' || session.state.kind !== 'open' || hopelessAt === domus.now()) return;
  const isReplaced = session.calles.some((callis) => callis.isActivePrimary && !callis.isSilent);
  if (!isReplaced) throw new RuleBroken(8, 'a silent primary ends before another stands in its place');
}

/** One that is accepted at the limit takes the place of another; of a silent one before it is counted itself. */
function noteLimit(domus: VirtualDomus, session: PeerSession, event: CoreEvent, account: DialAccount): void {
  if ('dialled' in event && !event.dialled) {
    const active = session.calles.filter((callis) => callis.phase === 'active').length;
    const hasPlace = account.silentEndedAt === domus.now();
    // One place for one.
    account.silentEndedAt = NEVER;
    account.owesReplacement = active > domus.core.settings.maxParallelCallisPerPeer && !hasPlace;
  } else if ('reason' in event && event.reason === 'replaced') {
    account.owesReplacement = false;
    account.replacedAt = domus.now();
  } else if ('reason' in event && event.reason === 'silent') account.silentEndedAt = domus.now();
}

/** So many hellos of one peer may be under way. */
export function checkGreetings(domus: VirtualDomus, session: PeerSession): void {
  const greeting = session.calles.filter(({ phase }) => phase === 'awaiting-hello').length;
  if (greeting > domus.largestGreeting) throw new RuleBroken(5, `${greeting} hellos of one peer are under way`);
}

/** A hello is refused only where the limit is reached. */
function checkLimit(domus: VirtualDomus, session: PeerSession, logId: number): void {
  const { inboundHandshakeLimitPerPeer, maxParallelCallisPerPeer } = domus.core.settings;
  const count = (phase: string): number => session.calles.filter((callis) => callis.phase === phase).length;
  if (logId === HELLO_LIMIT && count('awaiting-hello') < inboundHandshakeLimitPerPeer)
    throw new RuleBroken(5, 'a connection is dropped, though a hello more may be under way');
  if (logId === CALLIS_LIMIT && count('active') < maxParallelCallisPerPeer)
    throw new RuleBroken(5, 'a hello is refused, though a callis more may be active');
}

/** A lost blob callis is replaced by each side that has a stream, as long as there is a primary. */
function auditBlobDial(domus: VirtualDomus, { blobs, outlet, state }: PeerSession, account: DialAccount): void {
  const hasStreams = state.kind === 'open' && outlet !== undefined && blobs !== undefined && blobs.outbound.size > 0;
  const isIdle = hasStreams && blobs.hasHad && blobs.calles.length === 0 && blobs.dial.state.kind === 'idle';
  if (!isIdle) {
    account.blobIdleAt = NEVER;
    return;
  }
  // The loss may be long ago, and the first stream new.
  if (account.blobIdleAt === NEVER) account.blobIdleAt = domus.now();
  const since = Math.max(account.blobLostAt, account.blobIdleAt);
  if (domus.now() > since + domus.longestBackoffMs + TICK_MS)
    throw new RuleBroken(8, 'a lost blob callis is not replaced');
}

/** Two hellos that wait for each other's answer would wait until both time out. Those of blob calles wait for those alone. */
function auditHeld({ calles, dial, blobs }: PeerSession): void {
  for (const [own, isBlob] of [[dial, false] as const, [blobs?.dial.state, true] as const]) {
    if (own?.kind !== 'greeting') continue;
    const holds = calles.some(
      ({ heldHello }) => heldHello !== undefined && (heldHello.numbers !== undefined) === isBlob,
    );
    const far = (own.callis.driver as End).other.callis;
    if (holds && far?.phase === 'awaiting-hello' && far.heldHello !== undefined)
      throw new RuleBroken(8, 'two hellos wait for each other');
  }
}

/** Dials and losses that nothing has followed in time. */
export function auditDials(domus: VirtualDomus, session: PeerSession): void {
  auditHeld(session);
  const account = accountOf(session);
  const { attempts } = session.driver as PeerDriver;
  for (const attempt of [attempts.primary, attempts.blob]) {
    if (attempt !== undefined && domus.elapsedMs(attempt.began) > domus.longestConnectMs + TICK_MS)
      throw new RuleBroken(8, 'a dial takes longer than callisConnectTimeout');
  }
  auditBlobDial(domus, session, account);
  if (account.owesReplacement) throw new RuleBroken(5, 'a callis more is active than may be');
  const now = domus.now();
  if (session.state.kind !== 'open' || !session.live || session.calles.some((callis) => callis.phase === 'active')) {
    account.cutOffAt = NEVER;
    return;
  }
  if (account.cutOffAt === NEVER) account.cutOffAt = now;
  if (now > account.cutOffAt + domus.longestTimeoutMs + TICK_MS)
    throw new RuleBroken(8, 'a peer that is not to be had is not given up');
  const { lostAt, wasOurs, hopelessAt } = account;
  const since = hopelessAt === NEVER ? lostAt : Math.max(lostAt, hopelessAt);
  if (lostAt !== NEVER && wasOurs && session.dial.kind === 'idle' && now > since + domus.longestBackoffMs + TICK_MS)
    throw new RuleBroken(8, 'the side that has dialled does not dial again');
}

function accountOf(session: PeerSession): DialAccount {
  return (session.driver as PeerDriver).dials;
}
