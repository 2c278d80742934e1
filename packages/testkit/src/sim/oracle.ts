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
 * (6 and 10 of the plan concern blobs and membership.)
 */
import type {
  CoreEvent,
  EndManner,
  PeerSession,
  RequestOrigin,
  SendFailure,
  Taberna,
} from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import type { Entry, Ledger } from './entry.ts';
import { lineOf } from './raw-peer.ts';
import { ReferenceReader } from './reference-reader.ts';
import { modelOf, type SessionModel } from './session-model.ts';
import type { Trace } from './trace.ts';
import type { PeerDriver, Taken, VirtualDomus } from './virtual-domus.ts';
import type { Observer, World } from './world.ts';

const HELLO = 1;
const HELLO_RESPONSE = 2;
const KEEPALIVE = 3;
const ACK = 4;
const CLOSE = 5;
const ERROR = 6;
const LAST_A2 = 0x00ff_ffff;

const PEER_UNAVAILABLE = 3;
const REJECTED = 4;
const VIOLATION = 7;

const A2_CAPACITY = 128;
const HISTORY = 8448;
/** A timer waits for whole milliseconds, at least one; clocks of domus run up to a tenth fast. */
const TICK_MS = 3;

/** A broken rule. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
  readonly rule: number;

  constructor(rule: number, text: string) {
    super(`rule ${rule}: ${text}`);
    this.rule = rule;
  }
}

/** Messages on their way in one pipe: where each ends, and what it is. */
class Cargo {
  readonly ends: number[] = [];
  readonly entries: Entry[] = [];
  first = 0;
}

export class Oracle implements Observer, Ledger {
  readonly entries: Entry[] = [];
  /** Sends that nothing has settled yet, and some that are settled. */
  private open: Entry[] = [];
  private readonly world: World;
  private readonly trace: Trace;
  private readonly coverage: Coverage;
  private readonly reader = new ReferenceReader();
  private readonly cargoes = new Map<unknown, Cargo>();

  constructor(world: World, trace: Trace, coverage: Coverage) {
    this.world = world;
    this.trace = trace;
    this.coverage = coverage;
  }

  // --- sends -------------------------------------------------------------------------------------------------------

  sent(domus: VirtualDomus, session: PeerSession | undefined, entry: Entry, wait: boolean): void {
    this.entries.push(entry);
    this.open.push(entry);
    this.trace.print?.(
      `${this.clock} domus ${entry.from} sends ${entry.number} (${entry.tier}, ${entry.payload.length} B) to ${entry.address} ${entry.dstLo}`,
    );
    if (session === undefined) this.coverage.saw('send to the own domus');
    else modelOf(session).fresh[entry.tier].add(entry);
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
    if (late > TICK_MS && this.world.time > domus.pausedUntil + TICK_MS * 1000)
      throw new RuleBroken(3, `send ${entry.number} settled ${late} ms after its deadline`);
    if (entry.failure?.kind === 'send-timeout' && late < 0)
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
    this.countFailure(failure);
  }

  private checkRefused(entry: Entry, failure: SendFailure, isLocal: boolean): void {
    const { number, deliveries, decision } = entry;
    if (!isLocal && entry.answer <= 0) throw new RuleBroken(2, `send ${number} was refused by nobody`);
    if (failure.kind === 'remote-taberna-rejected') {
      if (decision !== 'refused') throw new RuleBroken(2, `send ${number} is called rejected, but no handler said so`);
    } else if (deliveries > 0) {
      throw new RuleBroken(2, `send ${number} failed as ${failure.kind}, though a handler took it`);
    }
  }

  private countFailure(failure: SendFailure): void {
    const { coverage } = this;
    const { kind, delivery } = failure;
    if (kind === 'remote-taberna-rejected') coverage.saw('send rejected');
    else if (kind === 'unknown-taberna') coverage.saw('send to unknown taberna');
    else if (kind === 'taberna-busy') coverage.saw('send busy: ingress full or not taken');
    else if (kind === 'send-timeout')
      coverage.saw(delivery === 'not-sent' ? 'send timed out unwritten' : 'send timed out written');
    else if (kind === 'peer-unavailable') coverage.saw('send failed: peer-unavailable');
    else if (kind === 'peer-restarted') coverage.saw('send failed: peer-restarted');
    else if (kind === 'domus-closed') coverage.saw('send failed: domus-closed');
    else if (kind === 'taberna-shutdown') coverage.saw('send failed: taberna-shutdown');
    else if (kind === 'protocol-violation') coverage.saw('send failed: protocol-violation');
  }

  /** The memory of a domus is gone, and its callers with it. */
  abandon(domus: VirtualDomus): void {
    for (const entry of this.open)
      if (entry.from === domus.index && entry.state === 'pending') entry.state = 'abandoned';
  }

  // --- the wire ----------------------------------------------------------------------------------------------------

  written(end: End, offset: number): void {
    const { reader } = this;
    const { outward } = end;
    const session = end.session!;
    const model = modelOf(session);
    let rank = 0;
    let freshTiers = 0;
    for (let at = outward.head + offset; at < outward.tail; at = reader.at) {
      reader.read(outward.view, at, outward.tail);
      const { type } = reader;
      this.trace.note(type, reader.id, reader.payloadLength);
      this.trace.print?.(`${this.clock} ${end} ${lineOf(reader)}`);
      const own = rankOf(type);
      if (own < rank && own !== 0)
        throw new RuleBroken(4, `${lineOf(reader)} behind a frame of a later lane in one write`);
      rank = Math.max(rank, own);
      if (type === ACK || type === ERROR) this.checkAnswer(end, model);
      else if (type > 0xffff) freshTiers = this.checkMessage(end, model, freshTiers);
      else this.countControl(end, type);
    }
    if (end.callis!.phase === 'active') this.checkHigherLanes(session, rank);
  }

  /** What was written last shows what must have been empty by then. */
  private checkHigherLanes(session: PeerSession, rank: number): void {
    if (rank > 1 && session.answers.acks.size > 0) throw new RuleBroken(4, 'acks wait behind what was written');
    if (rank > 2 && session.answers.errors.size > 0) throw new RuleBroken(4, 'errors wait behind what was written');
    if (rank > 3 && session.retained.a2.hasReady) throw new RuleBroken(4, 'an A2 message waits behind an A3 message');
  }

  private checkAnswer(end: End, model: SessionModel): void {
    const { id, errorId } = this.reader;
    if (errorId === PEER_UNAVAILABLE) {
      // No message is answered so: it refuses a hello, whose id may be that of a message.
      if (end.callis!.phase !== 'leaving') throw new RuleBroken(2, 'peer-unavailable on a callis that goes on');
      return;
    }
    const entry = model.arrived.get(id) ?? (errorId === VIOLATION ? this.arriving(end, id) : undefined);
    if (entry === undefined) throw new RuleBroken(2, `an answer to #${id}, which never arrived`);
    if (errorId === 0 && entry.decision !== 'accepted')
      throw new RuleBroken(2, `an ack for send ${entry.number}, which nobody accepted`);
    if (errorId === REJECTED && entry.decision !== 'refused')
      throw new RuleBroken(2, `a rejection of send ${entry.number}, which nobody rejected`);
    if (errorId !== 0 && errorId !== REJECTED && entry.deliveries > 0)
      throw new RuleBroken(2, `error ${errorId} for send ${entry.number}, which a handler has taken`);
    if (entry.answer >= 0 && entry.answer !== errorId)
      throw new RuleBroken(2, `send ${entry.number} was answered ${entry.answer} and then ${errorId}`);
    if (entry.answer >= 0) this.coverage.saw('answer given again');
    if (entry.state !== 'pending') this.coverage.saw('late answer ignored');
    entry.answer = errorId;
  }

  /** The message that is arriving: one that is too large is answered by its header alone. */
  private arriving(end: End, id: number): Entry | undefined {
    const cargo = this.cargoes.get(end.inward);
    const next = cargo?.entries[cargo.first];
    return next?.id === id ? next : undefined;
  }

  /** Returns the lanes that have had a first transmission in this write, as bits. */
  private checkMessage(end: End, model: SessionModel, freshTiers: number): number {
    const { id, type, dstHi, dstLo, payloadLength, at } = this.reader;
    const tier = type <= LAST_A2 ? 'a2' : 'a3';
    const bit = tier === 'a2' ? 1 : 2;
    let entry = model.written.get(id);
    if (entry?.state === 'pending') {
      if ((freshTiers & bit) !== 0) throw new RuleBroken(4, `replay of send ${entry.number} behind fresh work`);
      this.coverage.saw('replay');
      // Ids begin in the upper half.
      if (id < 0x4000_0000) this.coverage.saw('replay after an id wrap');
    } else {
      const before = entry;
      entry = model.fresh[tier].takeNext();
      if (entry === undefined)
        throw new RuleBroken(7, `#${id} was written for send ${before?.number ?? '?'}, which does not wait for it`);
      this.checkFirstId(model, id);
      model.written.set(id, entry);
      entry.id = id;
      freshTiers |= bit;
    }
    const isRight =
      entry.tier === tier &&
      entry.msgType === type &&
      entry.dstHi === dstHi &&
      entry.dstLo === dstLo &&
      entry.payload.length === payloadLength;
    if (!isRight) throw new RuleBroken(4, `${lineOf(this.reader)} was written where send ${entry.number} was next`);
    entry.writes++;
    if (payloadLength >= 4096) this.coverage.saw('payload by reference');
    this.noteCarrier(end, model);
    this.load(end, entry, at);
    return freshTiers;
  }

  private checkFirstId(model: SessionModel, id: number): void {
    if (model.nextId >= 0) {
      let expected = model.nextId;
      while (model.written.get(expected)?.state === 'pending') expected = (expected + 1) >>> 0;
      if (id !== expected) throw new RuleBroken(9, `#${id} was given where #${expected} was next`);
      if (id === 0) this.coverage.saw('id wrap');
    } else if (id < 0x8000_0000) throw new RuleBroken(9, `the first id #${id} has not bit 31 set`);
    model.nextId = (id + 1) >>> 0;
  }

  private noteCarrier(end: End, model: SessionModel): void {
    const { carrier } = model;
    if (carrier === end.connection) return;
    if (carrier !== undefined) {
      const own = carrier.dialler.party === end.party ? carrier.dialler : carrier.listener;
      if (own.callis?.phase === 'active') {
        model.mixed = true;
        this.coverage.saw('outlet moved off a stalled primary');
      }
    }
    model.carrier = end.connection;
  }

  private load(end: End, entry: Entry, at: number): void {
    let cargo = this.cargoes.get(end.outward);
    if (cargo === undefined) {
      cargo = new Cargo();
      this.cargoes.set(end.outward, cargo);
    }
    cargo.ends.push(end.outward.written - (end.outward.tail - at));
    cargo.entries.push(entry);
  }

  private countControl(end: End, type: number): void {
    if (type === HELLO_RESPONSE && (this.reader.flags & 2) !== 0) this.coverage.saw('RECONNECT resumed');
    else if (type === HELLO_RESPONSE && end.other.callis?.askedReconnect === true)
      this.coverage.saw('RECONNECT answered plainly');
    else if (type === KEEPALIVE) this.coverage.saw('keepalive');
    else if (type === HELLO && end.callis!.phase !== 'greeting') throw new RuleBroken(9, 'a hello from a listener');
    else if (type === CLOSE && end.session!.state.kind !== 'closing')
      throw new RuleBroken(9, 'a close for a session that goes on');
  }

  flushed(_domus: VirtualDomus, session: PeerSession): void {
    const { outlet } = session;
    if (outlet === undefined || outlet.phase !== 'active' || session.isWriteWanted) return;
    // Answers take the primary that was heard of last, messages the outlet; a blocked one may have been chosen.
    const anyBlocked = session.calles.some((callis) => callis.phase === 'active' && callis.isBlocked);
    if (anyBlocked) this.coverage.saw('write blocked');
    const isLeft = (session.answers.waiting > 0 && !anyBlocked) || (session.retained.hasReady && !outlet.isBlocked);
    if (isLeft) throw new RuleBroken(8, 'something that could be written was not');
  }

  received(end: End): void {
    const cargo = this.cargoes.get(end.inward);
    const session = end.session!;
    if (session.state.kind === 'gone') return;
    if (end.callis!.phase === 'active' && session.calles.at(-1) !== end.callis && !end.callis!.dialled)
      this.noteOldRead(session, end);
    if (cargo === undefined) return;
    const model = modelOf(session);
    const { delivered } = end.inward;
    while (cargo.first < cargo.ends.length && cargo.ends[cargo.first]! <= delivered) {
      const entry = cargo.entries[cargo.first++]!;
      const known = model.arrived.get(entry.id);
      if (known === undefined) model.arrived.set(entry.id, entry);
      else if (known !== entry)
        throw new RuleBroken(1, `#${entry.id} stands for sends ${known.number} and ${entry.number} in one session`);
    }
  }

  private noteOldRead(session: PeerSession, end: End): void {
    const newer = session.calles.some(
      (other) =>
        other.phase === 'active' && other.serial > end.callis!.serial && other.activeSince > end.callis!.activeSince,
    );
    if (newer) this.coverage.saw('old connection read after the new one came up');
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
    if (!isLocal) this.checkOrder(modelOf(origin as PeerSession), entry, taberna);
    return entry;
  }

  private localEntry(payload: Uint8Array): Entry {
    const number = ((payload[0]! << 24) | (payload[1]! << 16) | (payload[2]! << 8) | payload[3]!) >>> 0;
    const entry = this.entries[number];
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
    if (counted && !isAlive) throw new RuleBroken(7, `a decision for an ended session counted (send ${entry.number})`);
    if (!isAlive) this.coverage.saw('decision for a session that is gone');
    else if (!counted && session.answers.acks.size < 4096 && session.answers.errors.size < 4096)
      throw new RuleBroken(2, `the decision on send ${entry.number} was lost`);
  }

  // --- other effects -----------------------------------------------------------------------------------------------

  ending(end: End, manner: EndManner): void {
    this.trace.note(8, end.connection.id, manner.length);
    this.trace.print?.(`${this.clock} ${end} ends (${manner})`);
    if (manner === 'destroy' && end.outward.inFlight > 0) this.coverage.saw('reset with bytes in flight');
  }

  forgotten(domus: VirtualDomus, session: PeerSession): void {
    this.trace.print?.(`${this.clock} domus ${domus.index} forgets ${session.address}`);
    if (session.retained.count > 0) throw new RuleBroken(3, 'a session was forgotten with work in its lanes');
    if (session.calles.length > 0) throw new RuleBroken(7, 'a session was forgotten with calles');
  }

  event(domus: VirtualDomus, event: CoreEvent): void {
    const { coverage } = this;
    this.trace.print?.(`${this.clock} domus ${domus.index}: ${textOf(event)}`);
    if (event.kind === 'peer-session-restarted') this.countRestart(domus.core.peers.get(event.address)!);
    else if (event.kind === 'peer-dial-failed') {
      coverage.saw('dial failed');
      if (String(event.error).includes('connect timeout')) coverage.saw('connect timeout');
    } else if (event.kind === 'primary-callis-disconnected') {
      if (event.reason === 'write-stalled') coverage.saw('write stalled');
      if (event.reason === 'replaced') coverage.saw('callis replaced at the limit');
      const left = domus.core.peers.get(event.address)?.calles.some((callis) => callis.phase === 'active');
      if (left === true && event.reason === 'connection-lost') coverage.saw('takeover by another primary');
    } else if (event.kind === 'peer-disconnected') {
      if (event.reason === 'closed-by-peer') coverage.saw('close received');
      if (event.reason === 'unreachable') coverage.saw('peer torn down as unreachable');
    } else if (event.kind === 'outbound-queue-overrun') {
      if (event.tier === 'a2') coverage.saw('A2 lane full');
      if (event.tier === 'a3') coverage.saw('A3 lane full');
    } else if (event.kind === 'limited-log') {
      if (event.id === 1002) coverage.saw('hello beyond the handshake limit (1002)');
      if (event.id === 1003) coverage.saw('hello refused at the callis limit (1003)');
      if (event.id === 1005 || event.id === 1006) coverage.saw('duplicate while its answer waits (1005, 1006)');
    } else if (event.kind === 'primary-callis-connected') {
      const active = domus.core.peers.get(event.address)?.calles.filter((callis) => callis.phase === 'active').length;
      if (active !== undefined && active > 1) coverage.saw('two primaries at once');
    }
  }

  private countRestart(session: PeerSession): void {
    this.coverage.saw('session restarted');
    // A dialler that learns of it is still greeting.
    if (session.dial.kind !== 'greeting') this.coverage.saw('plain hello to a held session');
  }

  // --- from time to time -------------------------------------------------------------------------------------------

  /** Looks at everything at once. */
  checkAll(): void {
    this.open = this.open.filter((entry) => entry.state === 'pending');
    for (const entry of this.open) this.checkOverdue(entry);
    for (const party of this.world.parties) {
      const domus = party as VirtualDomus | undefined;
      if (domus?.isUp !== true) continue;
      for (const session of domus.core.peers.values()) this.checkSession(domus, session);
      this.checkTabernae(domus);
    }
  }

  private checkOverdue(entry: Entry): void {
    const domus = this.domusAt(entry.from);
    if (domus === undefined || domus.pausedUntil + TICK_MS * 1000 >= this.world.time) return;
    if (domus.now() > entry.deadline + TICK_MS)
      throw new RuleBroken(3, `send ${entry.number} is ${domus.now() - entry.deadline} ms over its deadline`);
  }

  private checkSession(domus: VirtualDomus, session: PeerSession): void {
    const { settings } = domus.core;
    const { inbox, acks, errors } = session.answers;
    const { a2, a3 } = session.retained;
    if (a2.count > A2_CAPACITY) throw new RuleBroken(5, `${a2.count} messages in the A2 lane`);
    if (a3.count > domus.largestQueue) throw new RuleBroken(5, `${a3.count} messages in the A3 lane`);
    if (a3.count > 1 && a3.bytes > settings.sendQueueBytes) throw new RuleBroken(5, `${a3.bytes} bytes in the A3 lane`);
    if (acks.size > Math.max(4096, domus.largestQueue * 16)) throw new RuleBroken(5, `${acks.size} acks wait`);
    if (errors.size > Math.max(4096, domus.largestQueue * 2)) throw new RuleBroken(5, `${errors.size} errors wait`);
    if (inbox.remembered > HISTORY) throw new RuleBroken(5, `${inbox.remembered} answers remembered`);
    if (session.calles.length > 2 * domus.largestCalles)
      throw new RuleBroken(5, `${session.calles.length} calles to one peer`);
    for (const callis of session.calles)
      if (callis.decoder.carriedBytes > 32 + settings.maxPayloadLen + 70_000)
        throw new RuleBroken(5, `${callis.decoder.carriedBytes} bytes carried`);
    const due = session.nextDeadline();
    if (session.hasWork && due === Number.POSITIVE_INFINITY) throw new RuleBroken(8, 'work waits without a deadline');
    const { alarmAt } = session.driver as PeerDriver;
    if (due < alarmAt && domus.pausedUntil < this.world.time)
      throw new RuleBroken(8, `the alarm is set for ${alarmAt - due} ms after the next deadline`);
  }

  private checkTabernae(domus: VirtualDomus): void {
    for (const taberna of domus.core.registry) {
      if (taberna.waiting > domus.largestIngress) throw new RuleBroken(5, `${taberna.waiting} requests wait`);
      if (taberna.deadline + TICK_MS < domus.now() && domus.pausedUntil + TICK_MS * 1000 < this.world.time)
        throw new RuleBroken(8, 'a request waits beyond acceptTimeout');
    }
  }

  /** Sends that were not settled when everything was checked last. */
  get pending(): number {
    return this.open.length;
  }

  /** After everything has ended: nothing may be left. */
  checkEnded(domus: VirtualDomus): void {
    const { core } = domus;
    if (core.peers.size > 0) throw new RuleBroken(3, `${core.peers.size} peers are left after shutdown`);
    if (core.local.hasWork) throw new RuleBroken(3, 'local work is left after shutdown');
    if (core.nextDeadline() !== Number.POSITIVE_INFINITY) throw new RuleBroken(3, 'a deadline is left after shutdown');
    for (const entry of this.open)
      if (entry.from === domus.index && entry.state === 'pending')
        throw new RuleBroken(3, `send ${entry.number} is left unsettled after shutdown`);
    for (const connection of this.world.network.connections) {
      if (connection === undefined) continue;
      for (const end of [connection.dialler, connection.listener])
        if (end.party === domus && end.joined && !end.closed)
          throw new RuleBroken(3, `${end} is left open after shutdown`);
    }
  }

  private domusAt(index: number): VirtualDomus | undefined {
    const party = this.world.parties[index] as VirtualDomus | undefined;
    return party?.isUp === true ? party : undefined;
  }

  private get clock(): string {
    return `${(this.world.time / 1000).toFixed(3).padStart(12)} ms`;
  }
}

/** The order in which frames may stand in one write; 0 for those that belong to their callis. */
function rankOf(type: number): number {
  if (type === ACK) return 1;
  if (type === ERROR) return 2;
  if (type <= 0xffff) return 0;
  return type <= LAST_A2 ? 3 : 4;
}

function textOf(event: CoreEvent): string {
  const { kind, ...rest } = event;
  const shown = Object.entries(rest).filter(([key]) => key !== 'taberna');
  return `${kind} ${shown.map(([key, value]) => `${key}=${String(value)}`).join(' ')}`;
}
