/**
 * The oracle: judges every step of a simulation against the contract, from what goes over the wire and what programs see.
 * It owns the ledger of all sends. The rules carry the numbers under which failures are reported.
 *
 * 1. Exactly once: a handler sees a message at most once in the life of its session; a resolved send was seen once.
 * 2. No ack is encoded before the handler has accepted; the same id always gets the same answer.
 * 3. Every send settles once, no later than its deadline plus a tick.
 * 4. First transmissions of a lane keep the order of sends; strict order of lanes; replay before fresh; handlers of one
 *    taberna see send order while fresh work stays on one primary.
 * 5. Lanes, dedupe history, parser carry and ingress stay within their limits.
 * 7. Nothing of an old session changes state, and nothing old is handed out.
 * 8. Whatever can be written is written; whatever waits has a deadline, and the alarm is set for it.
 * 9. Every stream of bytes parses with the reference reader, and says what the sender meant.
 *
 * 6. Blob streams: readers get a prefix of what was written, and all of it where the writer is told so; no chunk is acked before
 *    it was read, none is out of its window or twice under way; reservations end at 0.
 *
 * (10 of the plan concerns membership.)
 */
import type {
  CallisKind,
  CoreEvent,
  EndManner,
  PeerSession,
  RequestOrigin,
  SendFailure,
  Taberna,
} from '@flaminia/delivery-a1/internal';
import { auditDomus, auditEnd, auditEntry, isPaused } from './audit.ts';
import type { End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import { checkDial, checkEvent, checkGreetings } from './dial-watch.ts';
import type { Entry, Ledger } from './entry.ts';
import type { Observer, Taken } from './observer.ts';
import { RuleBroken, TICK_MS } from './rule-broken.ts';
import { modelOf, type SessionModel } from './session-model.ts';
import { sawEvent, sawFailure } from './sightings.ts';
import type { Trace } from './trace.ts';
import type { PeerDriver, VirtualDomus } from './virtual-domus.ts';
import { hasAnswerFor } from './waiting-answers.ts';
import { WireWatch } from './wire-watch.ts';
import type { World } from './world.ts';

/** How long a message that opens a stream waits on a new primary (a1-blobs). */
const OPENER_WAIT_MS = 20;

export class Oracle implements Observer, Ledger {
  /** How many sends there were. */
  sends = 0;
  /** Those to the own domus, by their number. */
  private readonly own: Map<number, Entry> = new Map();
  /** Sends that nothing has settled yet, and some that are settled. */
  private open: Entry[] = [];
  private readonly world: World;
  private readonly trace: Trace;
  private readonly coverage: Coverage;
  /** Ends that have said all in this flush. */
  private readonly finishing: End[] = [];
  readonly wire: WireWatch;

  constructor(world: World, trace: Trace, coverage: Coverage) {
    this.world = world;
    this.trace = trace;
    this.coverage = coverage;
    this.wire = new WireWatch(world, trace, coverage);
  }

  // --- sends -------------------------------------------------------------------------------------------------------

  sent(domus: VirtualDomus, session: PeerSession | undefined, entry: Entry, wait: boolean): void {
    this.sends++;
    this.open.push(entry);
    this.trace.print?.(
      `${this.clock} domus ${entry.from} sends ${entry.number} (${entry.tier}, ${entry.payload.length} B) to ${entry.address} ${entry.dstLo}`,
    );
    if (session === undefined) {
      this.coverage.saw('send to the own domus');
      this.own.set(entry.number, entry);
    } else {
      const { fresh } = modelOf(session);
      (entry.tier === 'a2' ? fresh.a2 : fresh.a3).add(entry);
      const { dials } = session.driver as PeerDriver;
      dials.firstWorkAt = Math.min(dials.firstWorkAt, domus.now());
    }
    if (wait && session !== undefined && entry.tier === 'a3' && session.retained.a3.count >= domus.largestQueue)
      this.coverage.saw('send waited for room');
    if (entry.payload.length === 0) this.coverage.saw('empty payload');
  }

  /** A waiter was told the outcome of its send. */
  settled(entry: Entry): void {
    const { failure } = entry;
    this.trace.note(5, entry.number, failure === undefined ? 0 : failure.kind.length);
    this.trace.print?.(
      `${this.clock} send ${entry.number} settles: ${failure === undefined ? 'accepted' : `${failure.kind}, ${failure.delivery}`}`,
    );
    if (entry.told !== 1) throw new RuleBroken(3, `send ${entry.number} was told ${entry.told} outcomes`);
    const domus = this.domusAt(entry.from);
    if (domus !== undefined) this.checkPunctual(entry, domus);
    if (failure === undefined) this.checkAccepted(entry);
    else this.checkFailed(entry, failure, domus);
  }

  private checkAccepted(entry: Entry): void {
    this.coverage.saw('send accepted');
    if (entry.decision !== 'accepted') throw new RuleBroken(2, `send ${entry.number} resolved, but nobody accepted it`);
    if (entry.deliveries !== 1)
      throw new RuleBroken(1, `send ${entry.number} resolved after ${entry.deliveries} deliveries`);
  }

  private checkPunctual(entry: Entry, domus: VirtualDomus): void {
    const late = domus.now() - entry.deadline;
    if (late > TICK_MS && !isPaused(domus))
      throw new RuleBroken(3, `send ${entry.number} settled ${late} ms after its deadline`);
    // The far side may have timed a stream out by itself.
    if (entry.failure?.kind === 'send-timeout' && entry.failure.delivery !== 'refused' && late < 0)
      throw new RuleBroken(3, `send ${entry.number} timed out ${-late} ms before its deadline`);
  }

  private checkFailed(entry: Entry, failure: SendFailure, domus: VirtualDomus | undefined): void {
    const { number, writes, deliveries } = entry;
    const isLocal = domus !== undefined && entry.address === domus.address;
    const left = isLocal ? deliveries > 0 : writes > 0;
    if (failure.delivery === 'not-sent' && left)
      throw new RuleBroken(3, `send ${number} is called not-sent, but it left`);
    if (failure.delivery === 'unknown' && !left && !isLocal)
      throw new RuleBroken(3, `send ${number} is called unknown, but it never left`);
    if (failure.delivery === 'refused') this.checkRefused(entry, failure, isLocal);
    if (failure.kind === 'peer-restarted' && writes === 0)
      throw new RuleBroken(7, `send ${number} failed by a restart, though it was never written`);
    sawFailure(this.coverage, failure);
  }

  private checkRefused(entry: Entry, failure: SendFailure, isLocal: boolean): void {
    const { number, deliveries, decision } = entry;
    if (!isLocal && entry.answer <= 0) throw new RuleBroken(2, `send ${number} was refused by nobody`);
    if (failure.kind === 'remote-taberna-rejected') {
      if (decision !== 'refused') throw new RuleBroken(2, `send ${number} is called rejected, but no handler said so`);
    } else if (deliveries > 0 && !isLateStream(entry, failure)) {
      throw new RuleBroken(2, `send ${number} failed as ${failure.kind}, though a handler took it`);
    }
  }

  /** The memory of a domus is gone, and its callers with it. */
  abandon(domus: VirtualDomus): void {
    for (const entry of this.open)
      if (entry.from === domus.index && entry.state === 'pending') entry.state = 'abandoned';
  }

  // --- the wire ----------------------------------------------------------------------------------------------------

  written(end: End, offset: number): void {
    this.wire.written(end, offset);
  }

  received(end: End): void {
    this.wire.received(end);
  }

  flushed(domus: VirtualDomus, session: PeerSession): void {
    for (let end = this.finishing.pop(); end !== undefined; end = this.finishing.pop()) checkGoodbye(end);
    const { outlet } = session;
    if (session.isWriteWanted) {
      if (!(session.driver as PeerDriver).dirty) throw new RuleBroken(8, 'a write that was asked for is never done');
      return;
    }
    if (outlet === undefined || outlet.phase !== 'active') return;
    // Answers take the primary that brought the question, messages the outlet.
    let isBlocked = false;
    let hasAnswer = false;
    for (const callis of session.calles) {
      if (!callis.isActivePrimary) continue;
      if (callis.isBlocked) isBlocked = true;
      else if (hasAnswerFor(session, callis)) hasAnswer = true;
    }
    if (isBlocked) this.coverage.saw('write blocked');
    const canWrite = !outlet.isBlocked && !isHeldBack(session, domus);
    const isLeft =
      hasAnswer || (canWrite && session.retained.hasReady) || (session.blobs !== undefined && isLeftFor(session.blobs));
    if (isLeft) throw new RuleBroken(8, 'something that could be written was not');
    if (canWrite) checkOrphans(modelOf(session));
    if (session.blobs !== undefined) this.wire.flushed(session);
  }

  // --- requests ----------------------------------------------------------------------------------------------------

  taken(
    domus: VirtualDomus,
    taberna: Taberna,
    origin: RequestOrigin,
    epoch: number,
    id: number,
    payload: Uint8Array,
  ): Entry {
    const isLocal = origin.address === domus.address;
    const entry = isLocal ? this.localEntry(payload) : this.arrivedEntry(origin as PeerSession, epoch, id);
    this.trace.note(6, entry.number, id);
    this.trace.print?.(`${this.clock} domus ${domus.index} takes send ${entry.number} at taberna ${taberna.lo}`);
    if (++entry.deliveries !== 1) throw new RuleBroken(1, `a handler sees send ${entry.number} again`);
    if (entry.address !== domus.address || entry.dstLo !== taberna.lo || entry.dstHi !== taberna.hi)
      throw new RuleBroken(9, `send ${entry.number} has come to the wrong taberna`);
    if (Buffer.compare(entry.payload, payload) !== 0)
      throw new RuleBroken(9, `the payload of send ${entry.number} has changed on its way`);
    if (isLocal) return entry;
    const model = modelOf(origin as PeerSession);
    model.queued.delete(id);
    this.checkOrder(model, entry, taberna);
    return entry;
  }

  private localEntry(payload: Uint8Array): Entry {
    const number = ((payload[0]! << 24) | (payload[1]! << 16) | (payload[2]! << 8) | payload[3]!) >>> 0;
    const entry = this.own.get(number);
    if (entry === undefined) throw new RuleBroken(9, 'a local message with a payload that nobody sent');
    return entry;
  }

  private arrivedEntry(session: PeerSession, epoch: number, id: number): Entry {
    if (epoch !== session.epoch || session.state.kind === 'gone')
      throw new RuleBroken(7, `request #${id} of an ended session was handed out`);
    const entry = modelOf(session).arrived.get(id);
    if (entry === undefined) throw new RuleBroken(9, `request #${id} was handed out, but it never arrived`);
    return entry;
  }

  private checkOrder(model: SessionModel, entry: Entry, taberna: Taberna): void {
    const key = taberna.lo * 2 + (entry.tier === 'a2' ? 0 : 1);
    const newest = model.newestTaken.get(key) ?? -1;
    // One that has expired may still come over an old connection, behind what was replayed without it.
    if (newest > entry.number && entry.state === 'pending' && !this.isMixed(entry))
      throw new RuleBroken(4, `send ${entry.number} comes to its handler behind send ${newest}`);
    model.newestTaken.set(key, Math.max(newest, entry.number));
  }

  private isMixed(entry: Entry): boolean {
    const sender = this.domusAt(entry.from);
    const receiver = this.world.indexOf(entry.address);
    const session = sender?.core.peers.get(this.world.addressOf(receiver));
    return session === undefined || modelOf(session).mixed || modelOf(session).written.get(entry.id) !== entry;
  }

  private before: Entry['decision'] = 'none';

  deciding(_domus: VirtualDomus, taken: Taken, errorId: number): void {
    const entry = taken.entry!;
    this.before = entry.decision;
    if (entry.decision === 'none') entry.decision = errorId === 0 ? 'accepted' : 'refused';
  }

  decided(domus: VirtualDomus, taken: Taken, errorId: number, counted: boolean): void {
    const entry = taken.entry!;
    this.trace.note(7, entry.number, counted ? errorId : -1);
    this.trace.print?.(
      `${this.clock} domus ${domus.index} decides send ${entry.number}: ${errorId}${counted ? '' : ' (counts no more)'}`,
    );
    const isLocal = taken.origin.address === domus.address;
    if (!counted && this.before === 'none') entry.decision = 'none';
    if (counted && this.before !== 'none') throw new RuleBroken(2, `send ${entry.number} was decided twice`);
    if (isLocal || this.before !== 'none') return;
    const session = taken.origin as PeerSession;
    // A session that closes answers as long as it has a primary.
    const isOver = session.state.kind === 'gone' || (session.state.kind === 'closing' && session.outlet === undefined);
    const isAlive = !isOver && session.epoch === taken.epoch;
    if (counted && session.answers.waiting > 0 && !(session.driver as PeerDriver).dirty)
      throw new RuleBroken(8, 'an answer waits, and nobody is told');
    if (counted && !isAlive) throw new RuleBroken(7, `a decision for an ended session counted (send ${entry.number})`);
    if (!isAlive) this.coverage.saw('decision for a session that is gone');
    // A stream that has failed with its session leaves nothing to decide.
    else if (!counted && taken.blob?.state !== 'failed' && session.answers.waiting < 4096)
      throw new RuleBroken(2, `the decision on send ${entry.number} was lost`);
  }

  // --- other effects -----------------------------------------------------------------------------------------------

  dialling(domus: VirtualDomus, session: PeerSession, kind: CallisKind): void {
    checkDial(domus, session, kind);
  }

  accepted(domus: VirtualDomus, session: PeerSession): void {
    checkGreetings(domus, session);
  }

  ending(end: End, manner: EndManner): void {
    this.trace.note(8, end.connection.id, manner.length);
    this.trace.print?.(`${this.clock} ${end} ends (${manner})`);
    this.wire.lost(end, manner);
    if (manner === 'finish') this.finishing.push(end);
    if (manner === 'destroy' && end.outward.inFlight > 0) this.coverage.saw('reset with bytes in flight');
  }

  forgotten(domus: VirtualDomus, session: PeerSession): void {
    this.trace.print?.(`${this.clock} domus ${domus.index} forgets ${session.address}`);
    if (session.retained.count > 0) throw new RuleBroken(3, 'a session was forgotten with work in its lanes');
    if (session.calles.length > 0) throw new RuleBroken(7, 'a session was forgotten with calles');
  }

  event(domus: VirtualDomus, event: CoreEvent): void {
    this.trace.print?.(`${this.clock} domus ${domus.index}: ${textOf(event)}`);
    const session = domus.core.peers.get(event.address);
    checkEvent(domus, session, event);
    sawEvent(this.coverage, session, event);
  }

  // --- from time to time -------------------------------------------------------------------------------------------

  /** Looks at everything at once. */
  checkAll(): void {
    this.open = this.open.filter((entry) => entry.state === 'pending');
    for (const entry of this.open) {
      const domus = this.domusAt(entry.from);
      if (domus !== undefined) auditEntry(entry, domus);
    }
    for (const party of this.world.parties) {
      const domus = party as VirtualDomus | undefined;
      if (domus?.isUp === true) auditDomus(domus);
    }
  }

  /** Sends that were not settled when everything was checked last. */
  get pending(): number {
    return this.open.length;
  }

  /** After everything has ended: nothing may be left. */
  checkEnded(domus: VirtualDomus): void {
    auditEnd(domus, this.open);
  }

  private domusAt(index: number): VirtualDomus | undefined {
    const party = this.world.parties[index] as VirtualDomus | undefined;
    return party?.isUp === true ? party : undefined;
  }

  private get clock(): string {
    return this.world.clock;
  }
}

/** A message that opens a stream waits on a new primary, and what follows it in its lane. */
function isHeldBack({ retained, outlet }: PeerSession, domus: VirtualDomus): boolean {
  const { a2, a3 } = retained;
  if (a3.openers === undefined || a2.hasReady || domus.now() >= outlet!.activeSince + OPENER_WAIT_MS) return false;
  return a3.openers.has(a3.peek());
}

/** What lost connections carried was written again, or is settled. */
function checkOrphans(model: SessionModel): void {
  if (model.unheard.length > 0) {
    for (const { entry, write } of model.unheard)
      if (entry.writes === write && isUnanswered(entry))
        throw new RuleBroken(8, `send ${entry.number} is not written again, though its answer is lost`);
    model.unheard = [];
  }
  if (model.orphans.length === 0) return;
  const left = model.orphans.find(isOrphan);
  if (left !== undefined)
    throw new RuleBroken(8, `send ${left.number} is not written again, though its connection is lost`);
  model.orphans = [];
}

/** An answered message that opens a stream still awaits its blob callis. */
function isOrphan(entry: Entry): boolean {
  return isUnanswered(entry) && entry.carrier!.callis!.phase === 'ended';
}

function isUnanswered({ state, stream }: Entry): boolean {
  return state === 'pending' && (stream === undefined || stream.outbound!.state === 'asking');
}

/** A primary that ends for good reason says close before. */
function checkGoodbye({ callis, session, saidWhy }: End): void {
  const wasActive = callis!.blob === undefined && callis!.activatedSequence > 0;
  if (wasActive && !saidWhy && session!.state.kind === 'closing')
    throw new RuleBroken(8, 'a session is closed without a word');
}

/** Something waits that a blob callis could carry. */
function isLeftFor(blobs: NonNullable<PeerSession['blobs']>): boolean {
  if (blobs.calles.length === 0) return false;
  const isWaiting = blobs.responses.size > 0 || blobs.nextComplete !== undefined;
  for (const callis of blobs.calles)
    if (!callis.isBlocked && (isWaiting || (callis.blob!.isProven && blobs.hasChunks(callis)))) return true;
  return false;
}

/** Accepted by its handler, but no blob callis came up in time. */
function isLateStream({ stream }: Entry, { kind }: SendFailure): boolean {
  return stream !== undefined && (kind === 'send-timeout' || kind === 'blob-buffer-full');
}

function textOf(event: CoreEvent): string {
  const { kind, ...rest } = event;
  const shown = Object.entries(rest).filter(([key]) => key !== 'taberna');
  return `${kind} ${shown.map(([key, value]) => `${key}=${String(value)}`).join(' ')}`;
}
