/**
 * The thin driver of the `session` target: the real machine of one domus (node), fed by a program, with streams that do
 * nothing and a clock that moves when a step says so. It drives in the order that the shell keeps: inputs, requests,
 * writing, deadlines.
 *
 * What it finds broken it throws: an escape of the machine's, a limit passed, a frame that is none, an ack of what nobody
 * accepted, a send that settles twice or never, something left behind the end.
 *
 * Long on purpose: it is the whole shell of the machine, effect by effect, and nothing else.
 */
import {
  bytesIn,
  type Callis,
  type CallisKind,
  type CoreEvent,
  type CoreSink,
  type DeliverySettings,
  DomusCore,
  type EndManner,
  type InboundBlob,
  type OutboundBlob,
  type PeerSession,
  pollWrite,
  type RequestOrigin,
  type SendWaiter,
  type Taberna,
  WriteBatch,
} from '@flaminia/delivery-a1/internal';
import { DomusError } from '@flaminia/transport-a0';
import { SCENARIO_SETTINGS } from '../sim/pair.ts';
import { lineOf } from '../sim/raw-peer.ts';
import { ReferenceReader } from '../sim/reference-reader.ts';
import { Broken } from './broken.ts';
import { hashOf } from './hash.ts';
import { expectWithinLimits, SMALL_SETTINGS } from './session-limits.ts';
import type { Options } from './session-program.ts';

const NEVER = Number.POSITIVE_INFINITY;
const PEER = 'tcp://10.0.0.2:4000';
const BATCH_BYTES = 8192;
/** More ticks than time can need in the longest wait of a program. */
const TICKS_MOST = 20_000;
const ACCEPTS = 1;
const SHELVES = 2;
const REJECTS = 3;
const REJECTED = 4;
const CLOSED = { kind: 'peer-unavailable', text: 'closed', delivery: 'not-sent', cause: undefined } as const;

/** One for all: a batch is read before the next is written. */
const batch = new WriteBatch(Buffer.alloc(BATCH_BYTES));

/** What a program knows of one request that it took. */
interface Taken {
  readonly origin: RequestOrigin;
  readonly epoch: number;
  readonly id: number;
}

/** A dial under way, the older of two. */
interface Dial {
  readonly session: PeerSession;
  readonly kind: CallisKind;
  readonly other: Dial | undefined;
}

/** What a program sends. */
export interface Message {
  readonly tier: 'a2' | 'a3';
  readonly taberna: number;
  readonly length: number;
  readonly timeoutMs: number;
  readonly wait: boolean;
  /** To the domus itself. */
  readonly isLocal: boolean;
}

/** One send of a program. */
interface Sent {
  readonly deadline: number;
  told: number;
}

export class SessionBench implements CoreSink {
  readonly core: DomusCore;
  now = 1000;
  /** Everything that could be seen from outside, in order. */
  readonly trace: string[] = [];
  /** What followed what. */
  readonly features: Set<string> = new Set();
  /** Calles whose stream is open, the oldest first. */
  readonly open: Callis[] = [];
  private readonly nudges: boolean;
  /** The most generous settings that were in force. */
  private largest: DeliverySettings;
  private readonly sessions = new Map<Callis, PeerSession>();
  private readonly dirty: PeerSession[] = [];
  private readonly withArrivals: Taberna[] = [];
  private readonly taken: Taken[] = [];
  private readonly sends: Sent[] = [];
  private readonly acceptedIds = new Set<number>();
  private readonly reader = new ReferenceReader();
  private dialling: Dial | undefined = undefined;
  private readonly moved: (OutboundBlob | InboundBlob)[] = [];
  private lastLabel = 'begin';

  constructor(options: Options) {
    const settings = options.isSmall ? SMALL_SETTINGS : SCENARIO_SETTINGS;
    const address = options.isLower ? 'tcp://10.0.0.1:4000' : 'tcp://10.0.0.3:4000';
    this.nudges = options.nudges;
    this.largest = settings;
    this.core = new DomusCore({ address, settings, sink: this, random: () => options.firstId });
    for (const id of [ACCEPTS, SHELVES, REJECTS]) this.core.register(0, id, id);
  }

  // --- what a program does ---------------------------------------------------------------------------------------

  accept(): void {
    if (this.core.closing) return;
    const session = this.core.peer(PEER);
    this.join(session, session.accepted(this.core.nextSequence(), this.nudges, this.now));
    this.endTurn();
  }

  dialled(): void {
    if (this.dialling === undefined) return;
    const { session, kind, other } = this.dialling;
    this.dialling = other;
    this.join(session, session.dialled(kind, this.nudges, this.now));
    this.touch(session);
    this.endTurn();
  }

  dialFailed(): void {
    if (this.dialling === undefined) return;
    const { session, kind, other } = this.dialling;
    this.dialling = other;
    session.dialFailed(kind, new DomusError('connection-lost', 'refused'), this.now);
    this.touch(session);
    this.endTurn();
  }

  /** Bytes arrive: at once, or each by itself in the same turn. */
  bytes(callis: Callis, bytes: Uint8Array, oneByOne: boolean): void {
    const session = this.sessions.get(callis)!;
    const chunk = Buffer.from(bytes);
    const size = oneByOne ? 1 : Math.max(1, chunk.length);
    for (let at = 0; at < chunk.length; at += size) bytesIn(session, callis, chunk.subarray(at, at + size), this.now);
    this.touch(session);
    this.endTurn();
    // Whoever kept a reference to it is found.
    chunk.fill(0xdd);
  }

  down(callis: Callis): void {
    this.with(callis, (session) => session.callisDown(callis, 'connection reset', this.now));
  }

  blocked(callis: Callis): void {
    this.with(callis, (session) => session.blocked(callis, this.now));
  }

  /** The stream has written out everything, large payloads too. */
  drained(callis: Callis): void {
    callis.attached.length = 0;
    this.with(callis, (session) => session.drained(callis));
  }

  send(message: Message): void {
    if (this.core.closing) return;
    const { tier, taberna, length, timeoutMs, wait, isLocal } = message;
    const number = this.sends.length;
    const sent: Sent = { deadline: this.now + timeoutMs, told: 0 };
    this.sends.push(sent);
    const waiter: SendWaiter = {
      accepted: () => this.settled(sent, 'accepted'),
      failed: (failure) => this.settled(sent, `${failure.kind} ${failure.delivery}`),
    };
    const type = tier === 'a2' ? 0x1_0000 : 0x100_0000;
    const payload = new Uint8Array(length).fill(number);
    const session = isLocal ? this.core.local : this.core.peer(PEER);
    session.send(session.retained[tier], 0, taberna, type, payload, sent.deadline, wait, waiter, this.now);
    this.touchAll();
  }

  /** Takes the oldest request of the taberna (inbox) that nobody serves. */
  take(): void {
    const taberna = this.core.registry.find(0, SHELVES);
    const arrival = taberna?.peek();
    if (taberna === undefined || arrival === undefined) return;
    this.note('taken', `${arrival.id} ${hashOf(arrival.payload)}`);
    this.taken.push({ origin: arrival.origin!, epoch: arrival.epoch, id: arrival.id });
    taberna.drop();
  }

  decide(which: number, errorId: number): void {
    const [taken] = this.taken.splice(which % Math.max(1, this.taken.length), 1);
    if (taken === undefined) return;
    this.answer(taken, errorId);
    this.endTurn();
  }

  closePeer(lingerMs: number): void {
    const session = this.core.peers.get(PEER);
    if (session === undefined) return;
    session.close(CLOSED, this.now, this.now + lingerMs);
    this.touch(session);
    this.endTurn();
  }

  changeSettings(toSmall: boolean): void {
    const settings = toSmall ? SMALL_SETTINGS : SCENARIO_SETTINGS;
    if (!toSmall) this.largest = settings;
    this.core.updateSettings(settings, this.now);
    this.touchAll();
  }

  beginShutdown(): void {
    if (!this.core.closing) this.core.beginShutdown(this.now);
    this.touchAll();
  }

  endShutdown(): void {
    this.beginShutdown();
    this.core.endShutdown(this.now);
    this.touchAll();
  }

  /** Lets time pass, and everything that is due on the way. */
  wait(ms: number): void {
    const until = this.now + ms;
    for (let ticks = 0; this.nextDeadline() <= until; ticks++) {
      if (ticks > TICKS_MOST) throw new Broken('the deadlines do not end');
      this.now = Math.max(this.now, this.nextDeadline());
      if (this.core.nextDeadline() <= this.now) this.core.tick(this.now);
      for (const session of [...this.core.peers.values()]) {
        if (session.nextDeadline() <= this.now) session.tick(this.now);
      }
      this.touchAll();
    }
    this.now = until;
    const late = this.sends.find(({ told, deadline }) => told === 0 && deadline <= until);
    if (late !== undefined) throw new Broken(`a send is unsettled ${until - late.deadline} ms behind its deadline`);
  }

  /** Ends the domus, and looks for what is left of it. */
  end(): void {
    this.endShutdown();
    this.core.abort(this.now);
    this.endTurn();
    const { core, open, dialling } = this;
    if (core.peers.size > 0 || core.local.hasWork) throw new Broken('a peer is left behind the end');
    if (open.length > 0) throw new Broken(`${open.length} calles are left open behind the end`);
    if (dialling !== undefined) throw new Broken('a dial is left behind the end');
    if (core.blobsIn.reserved > 0 || core.blobsOut.reserved > 0) throw new Broken('bytes stay reserved behind the end');
    if (core.nextDeadline() !== NEVER) throw new Broken('a deadline is left behind the end');
    if (this.sends.some(({ told }) => told !== 1)) throw new Broken('a send is unsettled behind the end');
  }

  // --- effects of the machine ------------------------------------------------------------------------------------

  dial(session: PeerSession, kind: CallisKind): void {
    const { dialling } = this;
    if (dialling?.kind === kind || dialling?.other !== undefined) throw new Broken('two dials of one kind');
    this.dialling =
      dialling === undefined
        ? { session, kind, other: undefined }
        : { ...dialling, other: { session, kind, other: undefined } };
    this.note(`dial ${kind}`, '');
  }

  cancelDial(_session: PeerSession, kind: CallisKind): void {
    const { dialling } = this;
    if (dialling?.kind === kind) this.dialling = dialling.other;
    else if (dialling !== undefined) this.dialling = { ...dialling, other: undefined };
    this.note(`cancel-dial ${kind}`, '');
  }

  blobMoved(blob: OutboundBlob | InboundBlob): void {
    this.moved.push(blob);
  }

  endCallis(callis: Callis, manner: EndManner): void {
    this.note(manner, String(callis.serial));
    if (manner === 'finish') return;
    const at = this.open.indexOf(callis);
    if (at < 0) throw new Broken('a callis was ended twice');
    this.open.splice(at, 1);
  }

  wantsWrite(session: PeerSession): void {
    this.touch(session);
  }

  arrived(taberna: Taberna): void {
    this.withArrivals.push(taberna);
  }

  forgotten(): void {
    this.note('forgotten', '');
  }

  event(event: CoreEvent): void {
    const detail =
      event.kind === 'primary-callis-disconnected' ? ` ${event.detail.replace(/0x[\da-f]+|\d+/g, '#')}` : '';
    const reason = 'reason' in event ? ` ${event.reason}` : '';
    this.note(`${event.kind}${reason}${detail}`, '');
  }

  // --- turns -----------------------------------------------------------------------------------------------------

  private endTurn(): void {
    do {
      this.runArrivals();
      this.readStreams();
      for (let session = this.dirty.pop(); session !== undefined; session = this.dirty.pop()) this.flush(session);
    } while (this.withArrivals.length > 0 || this.moved.length > 0);
    expectWithinLimits(this.core, this.largest);
  }

  /** Whoever offers a stream has a reader that takes all that comes. */
  private readStreams(): void {
    for (let blob = this.moved.pop(); blob !== undefined; blob = this.moved.pop()) {
      blob.announced = false;
      if (!('read' in blob)) continue;
      for (let bytes = blob.read(this.now); bytes !== undefined; bytes = blob.read(this.now))
        this.note('read', `${blob.id} ${hashOf(bytes)}`);
      if (blob.state === 'failed') this.note(`stream ${blob.failure!.kind}`, String(blob.id));
      else if (blob.isReadOut) this.note('stream read', String(blob.id));
    }
  }

  private runArrivals(): void {
    for (let taberna = this.withArrivals.pop(); taberna !== undefined; taberna = this.withArrivals.pop()) {
      taberna.announced = false;
      if (taberna.owner !== SHELVES) {
        for (let arrival = taberna.peek(); arrival !== undefined; arrival = taberna.peek()) {
          const { epoch, id, payload, blob } = arrival;
          if (blob !== undefined) blob.owner = this;
          const taken: Taken = { origin: arrival.origin!, epoch, id };
          this.note('request', `${id} ${hashOf(payload)}`);
          taberna.drop();
          this.answer(taken, taberna.owner === ACCEPTS ? 0 : REJECTED);
        }
      }
      taberna.detach();
    }
  }

  private answer({ origin, epoch, id }: Taken, errorId: number): void {
    const counted = origin.decide(epoch, id, errorId, '', this.now);
    if (counted && errorId === 0) this.acceptedIds.add(id);
    this.note(`decided ${errorId === 0 ? 'yes' : 'no'} ${counted}`, String(id));
  }

  private flush(session: PeerSession): void {
    session.flushBegins();
    for (let i = 0; i < session.calles.length; i++) this.write(session, session.calles[i]!);
  }

  private write(session: PeerSession, callis: Callis): void {
    while (!callis.isBlocked) {
      batch.reset();
      pollWrite(session, callis, batch, this.now);
      if (batch.isEmpty) break;
      const { bytes, length, attachment, attachmentId, attachmentFlushed } = batch;
      const written = bytes.subarray(0, length);
      const frames = attachment === undefined ? written : Buffer.concat([written, attachment]);
      this.readWritten(frames, callis.blob !== undefined);
      if (attachment !== undefined) {
        if (attachmentFlushed === undefined) callis.attached.push(attachmentId);
        callis.noteWritten(this.now);
      }
      if (batch.hasRoom) break;
    }
  }

  /** What leaves is frames, and acks are of what was accepted. */
  private readWritten(bytes: Buffer, isBlob: boolean): void {
    const { reader } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at = reader.at) {
      reader.read(view, at, bytes.length);
      if (reader.type === 4 && !isBlob && !this.acceptedIds.has(reader.id)) throw new Broken(`an ack of ${reader.id}`);
      this.note(`wrote ${reader.type > 0xffff ? 'message' : reader.type} ${reader.flags}`, lineOf(reader));
    }
  }

  private settled(sent: Sent, outcome: string): void {
    if (++sent.told > 1) throw new Broken('a send settled twice');
    this.note(`settled ${outcome}`, '');
  }

  private note(label: string, detail: string): void {
    this.features.add(`${this.lastLabel} > ${label}`);
    this.lastLabel = label;
    this.trace.push(`${this.now} ${label} ${detail}`);
  }

  private join(session: PeerSession, callis: Callis | undefined): void {
    if (callis === undefined) {
      this.note('not wanted', '');
      return;
    }
    this.open.push(callis);
    this.sessions.set(callis, session);
  }

  private with(callis: Callis, act: (session: PeerSession) => void): void {
    const session = this.sessions.get(callis)!;
    act(session);
    this.touch(session);
    this.endTurn();
  }

  private nextDeadline(): number {
    let due = this.core.nextDeadline();
    for (const session of this.core.peers.values()) due = Math.min(due, session.nextDeadline());
    return due;
  }

  private touch(session: PeerSession): void {
    if (!this.dirty.includes(session)) this.dirty.push(session);
  }

  private touchAll(): void {
    for (const session of this.core.peers.values()) this.touch(session);
    this.endTurn();
  }
}
