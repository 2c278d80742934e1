/**
 * The oracle's eye on the wire: every frame that a machine encodes, and every message that arrives, against the model of
 * its session (rules 1, 2, 4, 7 and 9). Owns what is on its way in each pipe.
 */
import type { Callis, EndManner, PeerSession } from '@flaminia/delivery-a1/internal';
import { BlobWatch } from './blob-watch.ts';
import { Cargo, cargoOf, Freight } from './cargo.ts';
import type { End } from './connection.ts';
import type { Coverage } from './coverage.ts';
import type { Entry } from './entry.ts';
import { lineOf } from './raw-peer.ts';
import { ReferenceReader } from './reference-reader.ts';
import { RuleBroken } from './rule-broken.ts';
import { modelOf, type SessionModel } from './session-model.ts';
import type { ChunkNote } from './stream-entry.ts';
import type { Trace } from './trace.ts';
import type { PeerDriver, VirtualDomus } from './virtual-domus.ts';
import { checkRepeated, noteUnheard, waitsFor } from './waiting-answers.ts';
import type { World } from './world.ts';

const HELLO = 1;
const HELLO_RESPONSE = 2;
const KEEPALIVE = 3;
const ACK = 4;
const CLOSE = 5;
const ERROR = 6;
const CHUNK = 8;
const COMPLETE = 9;
const LAST_A2 = 0x00ff_ffff;

const PEER_UNAVAILABLE = 3;
const REJECTED = 4;
const VIOLATION = 7;
const SEND_TIMEOUT = 12;
const WITHOUT_PRIMARY = 13;
const IDLE_TIMEOUT = 17;
const BUFFER_FULL = 19;
const NONE = -1;

export class WireWatch {
  private readonly world: World;
  private readonly trace: Trace;
  private readonly coverage: Coverage;
  private readonly reader = new ReferenceReader();
  private readonly blobs: BlobWatch;
  /** Streams are sent in this run. */
  hasBlobs = false;
  /** The id of each lane that was replayed last in this write. */
  private readonly replayed = { a2: NONE, a3: NONE };

  constructor(world: World, trace: Trace, coverage: Coverage) {
    this.world = world;
    this.trace = trace;
    this.coverage = coverage;
    this.blobs = new BlobWatch(coverage);
  }

  /** Frames were written at an end: they lie in its outward pipe, from `offset` bytes behind the head. */
  written(end: End, offset: number): void {
    const { reader } = this;
    const { outward } = end;
    const session = end.session!;
    const model = modelOf(session);
    let rank = 0;
    let freshTiers = 0;
    this.replayed.a2 = NONE;
    this.replayed.a3 = NONE;
    for (let at = outward.head + offset; at < outward.tail; at = reader.at) {
      reader.read(outward.view, at, outward.tail);
      const { type } = reader;
      this.trace.note(type, reader.id, reader.payloadLength);
      this.trace.print?.(`${this.world.clock} ${end} ${lineOf(reader)}`);
      const own = rankOf(type);
      if (own < rank && own !== 0)
        throw new RuleBroken(4, `${lineOf(reader)} behind a frame of a later lane in one write`);
      rank = Math.max(rank, own);
      if (type === ERROR && end.callis!.phase === 'leaving') end.saidWhy = true;
      if (type === ACK || type === ERROR) this.checkAnswer(end, model);
      else if (type > 0xffff) freshTiers = this.checkMessage(end, model, freshTiers);
      else if (type === CHUNK) this.checkChunk(end, model);
      else if (type === COMPLETE) this.checkComplete(session, model);
      else this.countControl(end, type);
    }
    if (end.callis!.isActivePrimary) this.checkHigherLanes(session, end.callis!, rank);
  }

  /** What was written last shows what must have been empty by then. */
  private checkHigherLanes(session: PeerSession, callis: Callis, rank: number): void {
    if (rank > 1 && waitsFor(session, callis, session.answers.acks))
      throw new RuleBroken(4, 'acks wait behind what was written');
    if (rank > 2 && waitsFor(session, callis, session.answers.errors))
      throw new RuleBroken(4, 'errors wait behind what was written');
    if (rank > 3 && session.retained.a2.hasReady) throw new RuleBroken(4, 'an A2 message waits behind an A3 message');
  }

  private checkChunk(end: End, model: SessionModel): void {
    const { reader } = this;
    this.checkNewId(model, reader.id);
    const bytes = end.outward.buffer.subarray(reader.bytesAt, reader.at);
    const note = this.blobs.chunkWritten(end, model, reader, bytes);
    this.load(end, Freight.chunk(note), reader.at);
  }

  private checkComplete(session: PeerSession, model: SessionModel): void {
    this.checkNewId(model, this.reader.id);
    this.blobs.completeWritten(session, this.reader.streamId);
  }

  /** Answers to chunks and completes, and errors that name a stream. */
  private checkBlobAnswer(end: End, model: SessionModel): boolean {
    const { id, errorId, at } = this.reader;
    const note = model.arrivedChunks.get(id) ?? this.arrivingChunk(end, id);
    if (note !== undefined) {
      this.blobs.answerWritten(model, note, errorId);
      this.load(end, Freight.answer(id, errorId), at);
      return true;
    }
    // On a blob callis nothing else is answered but completes and whole streams, as an error on any callis may.
    if (end.callis!.blob !== undefined && end.callis!.phase === 'active') return true;
    if (errorId === 0) return false;
    const entry = model.arrived.get(id);
    if (entry === undefined) return model.streams.has(id);
    // Given up by its reader while the ack of its message waits for a callis that is blocked.
    const isGivenUp = entry.stream?.inbound?.state === 'failed' && entry.decision === 'accepted';
    const saysSo = errorId === PEER_UNAVAILABLE || errorId === IDLE_TIMEOUT;
    return entry.stream !== undefined && (entry.answer >= 0 || (isGivenUp && saysSo));
  }

  private checkAnswer(end: End, model: SessionModel): void {
    const { id, errorId } = this.reader;
    if (this.hasBlobs && this.checkBlobAnswer(end, model)) return;
    if (errorId === PEER_UNAVAILABLE || errorId === WITHOUT_PRIMARY) {
      // No message is answered so: it refuses a hello, whose id may be that of a message.
      if (end.callis!.phase !== 'leaving') throw new RuleBroken(2, 'peer-unavailable on a callis that goes on');
      return;
    }
    const entry = model.arrived.get(id) ?? (errorId === VIOLATION ? this.arriving(end, id) : undefined);
    if (entry === undefined) throw new RuleBroken(2, `an answer to #${id}, which never arrived`);
    if (errorId === 0 && entry.decision !== 'accepted')
      throw new RuleBroken(2, `an ack for send ${entry.number}, which nobody accepted`);
    // A session that closes fails its streams, offered ones too.
    const isClosing = entry.stream !== undefined && end.session!.state.kind === 'closing';
    if (errorId === REJECTED && isClosing) entry.decision = 'refused';
    if (errorId === REJECTED && entry.decision !== 'refused')
      throw new RuleBroken(2, `a rejection of send ${entry.number}, which nobody rejected`);
    const isLateStream = entry.stream !== undefined && (errorId === SEND_TIMEOUT || errorId === BUFFER_FULL);
    if (errorId !== 0 && errorId !== REJECTED && entry.deliveries > 0 && !isLateStream)
      throw new RuleBroken(2, `error ${errorId} for send ${entry.number}, which a handler has taken`);
    if (entry.answer >= 0 && entry.answer !== errorId)
      throw new RuleBroken(2, `send ${entry.number} was answered ${entry.answer} and then ${errorId}`);
    if (entry.answer >= 0) this.coverage.saw('answer given again');
    if (entry.state !== 'pending') this.coverage.saw('late answer ignored');
    entry.answer = errorId;
    this.load(end, Freight.reply(entry), this.reader.at);
  }

  /** The message that is arriving: one that is too large is answered by its header alone. */
  private arriving(end: End, id: number): Entry | undefined {
    const freight = cargoOf(end.inward)?.arriving;
    return freight?.kind === 'message' && freight.entry!.id === id ? freight.entry : undefined;
  }

  /** A chunk that may not come is answered by its head alone. */
  private arrivingChunk(end: End, id: number): ChunkNote | undefined {
    for (const each of end.session!.calles) {
      const note = cargoOf((each.driver as End).inward)?.arriving?.note;
      if (note?.id === id) return note;
    }
    return modelOf(end.session!).brokenChunks.get(id);
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
      this.checkReplayOrder(tier, id);
      // Ids begin in the upper half.
      if (id < 0x4000_0000) this.coverage.saw('replay after an id wrap');
    } else {
      const before = entry;
      entry = (tier === 'a2' ? model.fresh.a2 : model.fresh.a3).takeNext();
      if (entry === undefined)
        throw new RuleBroken(7, `#${id} was written for send ${before?.number ?? '?'}, which does not wait for it`);
      this.checkNewId(model, id);
      model.written.set(id, entry);
      if (entry.stream !== undefined) model.streams.set(id, entry.stream);
      entry.id = id;
      freshTiers |= bit;
    }
    const isRight =
      entry.tier === tier &&
      entry.msgType === type &&
      entry.dstHi === dstHi &&
      entry.dstLo === dstLo &&
      entry.payload.length === payloadLength &&
      (entry.stream !== undefined) === (this.reader.flags === 1);
    if (!isRight) throw new RuleBroken(4, `${lineOf(this.reader)} was written where send ${entry.number} was next`);
    entry.writes++;
    if (payloadLength >= 4096) this.coverage.saw('payload by reference');
    entry.carrier = end;
    this.noteCarrier(end, model);
    this.load(end, Freight.message(entry), at);
    return freshTiers;
  }

  /** Replay keeps the order of ids, which wrap. */
  private checkReplayOrder(tier: 'a2' | 'a3', id: number): void {
    const before = tier === 'a2' ? this.replayed.a2 : this.replayed.a3;
    if (before !== NONE && ((id - before) | 0) < 0)
      throw new RuleBroken(4, `#${id} is written again behind #${before}`);
    if (tier === 'a2') this.replayed.a2 = id;
    else this.replayed.a3 = id;
  }

  private checkNewId(model: SessionModel, id: number): void {
    if (model.nextId >= 0) {
      let expected = model.nextId;
      while (this.isHeld(model, expected)) expected = (expected + 1) >>> 0;
      if (id !== expected) throw wrongId(id, expected);
      if (id === 0) this.coverage.saw('id wrap');
    } else if (id < 0x8000_0000) throw new RuleBroken(9, `the first id #${id} has not bit 31 set`);
    model.nextId = (id + 1) >>> 0;
  }

  /** After a wrap, ids that still stand for something are left out. */
  private isHeld(model: SessionModel, id: number): boolean {
    if (model.written.get(id)?.state === 'pending' || model.chunks.has(id)) return true;
    const stream = model.streams.get(id);
    return stream !== undefined && stream.senderTold === 0 && stream.entry.state === 'accepted';
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

  private load({ outward }: End, freight: Freight, at: number): void {
    const cargo = cargoOf(outward) ?? new Cargo();
    outward.cargo = cargo;
    cargo.ends.push(outward.written - (outward.tail - at));
    cargo.freights.push(freight);
  }

  private countControl(end: End, type: number): void {
    if (type === HELLO_RESPONSE && (this.reader.flags & 1) === 0) checkResponse(end, (this.reader.flags & 2) !== 0);
    if (type === HELLO_RESPONSE && (this.reader.flags & 2) !== 0) this.coverage.saw('RECONNECT resumed');
    else if (type === HELLO_RESPONSE && end.other.callis?.askedReconnect === true)
      this.coverage.saw('RECONNECT answered plainly');
    else if (type === KEEPALIVE) this.coverage.saw('keepalive');
    else if (type === HELLO) checkHello(end, (this.reader.flags & 1) !== 0, (this.reader.flags & 2) !== 0);
    else if (type === CLOSE) {
      checkClose(end);
      this.load(end, Freight.close, this.reader.at);
    }
  }

  /** The machine has read what arrived at this end. */
  received(end: End): void {
    const cargo = cargoOf(end.inward);
    const { delivered } = end.inward;
    const session = end.session!;
    if (session.state.kind === 'gone') return;
    end.readInEpoch = session.epoch;
    if (end.callis!.phase === 'active' && session.calles.at(-1) !== end.callis && !end.callis!.dialled)
      this.noteOldRead(session, end);
    if (cargo === undefined) return;
    const model = modelOf(session);
    for (let freight = cargo.takeArrived(delivered); freight !== undefined; freight = cargo.takeArrived(delivered)) {
      if (freight.kind === 'message') this.messageArrived(end, model, freight);
      else if (freight.kind === 'close') checkClosed(end);
      else if (freight.kind === 'chunk') this.blobs.chunkArrived(model, freight.note!);
      else if (freight.kind === 'answer') this.blobs.answerArrived(model, freight.id, freight.errorId);
    }
  }

  private messageArrived(end: End, model: SessionModel, { entry: maybe, write }: Freight): void {
    // Behind a hello exchange that came to nothing no message is read.
    if (end.callis!.activatedSequence === 0) return;
    const entry = maybe!;
    const session = end.session!;
    const { dials } = session.driver as PeerDriver;
    dials.partner = end.other.session;
    dials.partnerEpoch = end.other.session!.epoch;
    entry.arrivedWrite = write;
    const { inbox } = session.answers;
    const known = model.arrived.get(entry.id);
    if (known === undefined) {
      model.arrived.set(entry.id, entry);
      if (inbox.isUndecided(entry.id)) model.queued.set(entry.id, entry);
    } else if (known !== entry) {
      throw new RuleBroken(1, `#${entry.id} stands for sends ${known.number} and ${entry.number} in one session`);
    } else if (!end.callis!.isOver && session.state.kind === 'open') {
      checkRepeated(session, entry);
    }
  }

  /** A session has written all that it could. */
  flushed(session: PeerSession): void {
    const model = modelOf(session);
    if (model.orphanStreams.size === 0 && model.owingStreams.size === 0) return;
    const isServed = session.blobs?.calles.some((callis) => !callis.isBlocked && callis.blob!.isProven);
    if (isServed === true) this.blobs.checkReplayed(model);
    if (session.blobs?.calles.some((callis) => !callis.isBlocked) === true)
      this.blobs.checkOwed(model, session.state.kind === 'open');
  }

  /** A callis is lost for the machine, or has said all that it had to. */
  lost(end: End, manner: EndManner): void {
    if (end.session === undefined) return;
    const model = modelOf(end.session);
    if (this.hasBlobs) this.blobs.carrierLost(model, end);
    const broken = cargoOf(end.inward)?.arriving?.note;
    if (broken !== undefined && end.readInEpoch === end.session.epoch) model.brokenChunks.set(broken.id, broken);
    const cargo = cargoOf(end.outward);
    cargo?.freights.forEach((freight, at) => {
      if (freight.kind === 'message' && freight.entry!.carrier === end) model.orphans.push(freight.entry!);
      else if (freight.kind === 'answer' && at >= cargo.first)
        this.blobs.answerLost(model, freight.id, freight.errorId, end);
    });
    // One that has left before asks again when it is destroyed, and not when it has said all.
    const isLeft = manner === 'finish' && end.leftAt !== (end.party as VirtualDomus).now();
    if (!isLeft) noteUnheard(model, end, this.coverage);
  }

  private noteOldRead(session: PeerSession, end: End): void {
    const newer = session.calles.some(
      (other) =>
        other.phase === 'active' && other.serial > end.callis!.serial && other.activeSince > end.callis!.activeSince,
    );
    if (newer) this.coverage.saw('old connection read after the new one came up');
  }
}

/** RECONNECT stands on a hello if and only if this side holds what it would go on with. */
function checkHello({ callis, session }: End, isBlob: boolean, asks: boolean): void {
  if (callis!.phase !== 'greeting') throw new RuleBroken(9, 'a hello from a listener');
  const holds = isBlob ? session!.blobs!.hasHad : session!.isShared;
  // What was held when the hello was decided on may be gone, or have come, since then.
  const { lifeSequence } = (session!.driver as PeerDriver).dials;
  if (holds && !asks && callis!.beganSequence > lifeSequence && !(isBlob && callis!.askedReconnect))
    throw new RuleBroken(7, 'a plain hello for what this side still holds');
}

/** A response to RECONNECT goes on with a life that the peer knows, or a new one has begun. */
function checkResponse({ callis, session, party }: End, resumes: boolean): void {
  const { lifeSequence, replacedAt } = (session!.driver as PeerDriver).dials;
  if (callis!.askedReconnect && !resumes && lifeSequence !== callis!.activatedSequence)
    throw new RuleBroken(7, 'a session goes on that its peer was told to be gone');
  const hadOther =
    replacedAt === (party as VirtualDomus).now() ||
    session!.calles.some((other) => other !== callis && other.isActivePrimary);
  if (resumes && !session!.confirmed && !hadOther)
    throw new RuleBroken(7, 'a session is resumed that the peer may not know of');
}

/** Close ends a session on purpose, behind all answers. */
function checkClose(end: End): void {
  const { state, answers } = end.session!;
  end.saidWhy = true;
  if (state.kind !== 'closing') throw new RuleBroken(9, 'a close for a session that goes on');
  if (answers.waiting > 0 && (end.party as VirtualDomus).now() < state.until)
    throw new RuleBroken(8, `close is said in front of ${answers.waiting} answers`);
}

/**
 * A close has come: the session is over, unless its callis was so before. It may have been ended by a frame in front of the close, such as a
 * late answer to a hello behind another primary that was lost (a1-call-18): then nobody reads the close.
 */
function checkClosed({ callis }: End): void {
  const wasDropped = callis!.phase === 'ended' && callis!.activatedSequence === 0;
  if (callis!.phase !== 'leaving' && !wasDropped) throw new RuleBroken(8, 'a session that its peer has closed goes on');
}

/** Apart, since engines else make the text for every id. */
function wrongId(id: number, expected: number): RuleBroken {
  return new RuleBroken(9, `#${id} was given where #${expected} was next`);
}

/** The order in which frames may stand in one write; 0 for those that belong to their callis. */
function rankOf(type: number): number {
  if (type === ACK) return 1;
  if (type === ERROR) return 2;
  if (type === COMPLETE) return 3;
  if (type === CHUNK) return 4;
  if (type <= 0xffff) return 0;
  return type <= LAST_A2 ? 3 : 4;
}
