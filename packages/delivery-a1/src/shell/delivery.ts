/**
 * The shell of layer A1: drives the pure machine of one domus over real streams. It owns the backend, the timers and
 * the moment of writing; it decides nothing about the protocol.
 *
 * Long on purpose: what a domus does in a turn stands in one place.
 *
 * 1. One flush per turn of the event loop (`turn.ts`), so that all that a turn makes leaves in one write per peer; a turn
 *    that sends much writes before its end too.
 * 2. One timer per peer, one for the domus.
 * 3. Inputs to the machine are never nested: effects that would lead back into it wait for the flush.
 */
import type { AuthenticatedStream, Backend } from '@flaminia/transport-a0/internal';
import type { Callis } from '../core/callis.ts';
import { DomusCore } from '../core/domus-core.ts';
import type { InboundBlob } from '../core/inbound-blob.ts';
import type { OutboundBlob } from '../core/outbound-blob.ts';
import type { PeerSession } from '../core/peer-session.ts';
import { bytesIn } from '../core/receiving.ts';
import type { SendWaiter } from '../core/send-waiter.ts';
import { SHUT_DOWN } from '../core/session-failures.ts';
import type { DeliverySettings } from '../core/settings.ts';
import type { CallisKind, CoreEvent, CoreSink, EndManner } from '../core/sink.ts';
import type { Taberna } from '../core/taberna.ts';
import { Alarm } from './alarm.ts';
import { CallisLink, type LinkHost } from './callis-link.ts';
import type { Clock } from './clock.ts';
import { isWorthAWrite } from './early-write.ts';
import { LocalMoves } from './local-moves.ts';
import { driverOf, PeerDriver } from './peer-driver.ts';
import { Progress } from './progress.ts';
import { Rounds } from './rounds.ts';
import { SlabPool } from './slabs.ts';
import { Turn } from './turn.ts';

/** Who takes the requests of a taberna: called at the end of each turn that brought some. */
export interface TabernaOwner {
  arrivals(taberna: Taberna): void;
}

/** Who writes or reads a blob stream: called at the end of each turn in which that moved. */
export interface BlobOwner {
  moved(): void;
}

/** Makes messages out of what a turn has brought, before they are written. */
export interface FlushProgram {
  /** Stands in the list already; belongs to the delivery. */
  announced: boolean;
  beforeFlush(): void;
}

export interface DeliveryOptions {
  readonly address: string;
  readonly settings: DeliverySettings;
  readonly clock: Clock;
  /** A random u32. */
  readonly random: () => number;
  readonly onEvent: (event: CoreEvent) => void;
}

/** Beyond its deadline a closing peer may linger for the end of its connections. */
const LONGEST_LINGER_MS = 5_000;

/** Which lane a message takes. */
export type Tier = 'a2' | 'a3';

export class Delivery implements CoreSink, LinkHost {
  readonly core: DomusCore;
  readonly clock: Clock;
  readonly slabs: SlabPool = new SlabPool();
  readonly rounds: Rounds;
  private readonly onEvent: (event: CoreEvent) => void;
  private backend: Backend | undefined = undefined;
  /** The sessions that the next flush looks at. */
  private readonly dirty: PeerSession[] = [];
  private readonly withArrivals: Taberna[] = [];
  private readonly movedBlobs: (OutboundBlob | InboundBlob)[] = [];
  private readonly localMoves: LocalMoves;
  private readonly programs: FlushProgram[] = [];
  private readonly alarm: Alarm;
  private readonly turn: Turn;
  private recent: PeerSession | undefined = undefined;
  /** The machine ends many things at once. */
  private isWorking = false;
  /** Whoever is told of the end may send on, and nobody would end what that begins. */
  private isClosed = false;
  /** Shutdown waits on it. */
  private readonly progress: Progress;

  constructor(options: DeliveryOptions) {
    this.clock = options.clock;
    this.onEvent = options.onEvent;
    this.core = new DomusCore({ ...options, sink: this });
    this.alarm = new Alarm(this.clock, () => this.domusDue());
    this.turn = new Turn(this.clock, () => this.flush());
    this.rounds = new Rounds(this.turn);
    this.localMoves = new LocalMoves(this.core.local, this.rounds, () => this.turn.plan());
    this.progress = new Progress(this.clock);
  }

  /** The time of this turn, for whatever a program does in it. */
  now(): number {
    return this.turn.now();
  }

  /** The time of this turn, for what is only measured. */
  measuredNow(): number {
    return this.turn.measuredNow();
  }

  /** The program goes on in promise jobs with what has come: the flush waits for these. */
  programGoesOn(): void {
    this.turn.programGoesOn();
  }

  /** Runs a program once, before the flush of this turn. */
  runBeforeFlush(program: FlushProgram): void {
    if (program.announced) return;
    program.announced = true;
    this.programs.push(program);
    this.turn.plan();
  }

  /** Gives the shell the backend that dials for it. Accepted streams come through `accept`. */
  useBackend(backend: Backend): void {
    this.backend = backend;
  }

  /** An authenticated inbound stream. A domus that shuts down takes it only from a peer that it has work with. */
  accept(stream: AuthenticatedStream): void {
    if (this.core.closing && !this.core.peers.has(stream.peer.address)) {
      stream.destroy();
      return;
    }
    const now = this.clock.now();
    const session = this.core.peer(stream.peer.address);
    const driver = this.driverFor(session);
    const callis = session.accepted(stream.challengeSequence, stream.kind === 'tcp', now);
    if (callis === undefined) stream.destroy();
    else this.join(stream, driver, callis);
    this.turned(session);
  }

  /**
   * Takes a message for the domus of this canonical address, the own one included. `deadline` is a time of `clock`.
   * The waiter is told the outcome exactly once, never from inside this call unless the message was refused.
   */
  send(
    address: string,
    tier: Tier,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    wait: boolean,
    waiter: SendWaiter,
    now: number,
  ): void {
    if (this.isClosed) {
      waiter.failed(SHUT_DOWN, address);
      return;
    }
    const session = this.sessionWith(address);
    if (session === undefined) {
      const { local } = this.core;
      local.send(local.retained[tier], dstHi, dstLo, msgType, payload, deadline, wait, waiter, now);
      this.alarm.set(local.nextDeadline(), now);
      return;
    }
    session.send(session.retained[tier], dstHi, dstLo, msgType, payload, deadline, wait, waiter, now);
    // Without a callis nothing announces a write, but there are deadlines now.
    const { outlet } = session;
    if (outlet === undefined) this.touch(session);
    else if ((outlet.driver as CallisLink).mayWrite && this.mayWriteEarly && isWorthAWrite(session.retained[tier])) {
      this.flushSession(session, this.clock.now());
    }
  }

  /** Sends the message that opens a blob stream, likewise. */
  sendBlob(
    address: string,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    blob: OutboundBlob,
    now: number,
  ): void {
    const session = this.sessionWith(address);
    if (session === undefined) {
      const { local } = this.core;
      local.sendBlob(local.retained.a3, dstHi, dstLo, msgType, payload, deadline, blob, now);
      this.alarm.set(local.nextDeadline(), now);
      return;
    }
    session.sendBlob(session.retained.a3, dstHi, dstLo, msgType, payload, deadline, blob, now);
    this.touch(session);
  }

  /** The session with the domus of an address; undefined for the own one. Most sends go where the last one went. */
  private sessionWith(address: string): PeerSession | undefined {
    const { recent } = this;
    if (recent !== undefined && recent.address === address && recent.state.kind !== 'gone') return recent;
    if (address === this.core.address) return undefined;
    const session = this.core.peer(address);
    if (session.driver === undefined) this.driverFor(session);
    this.recent = session;
    return session;
  }

  /** Bytes have come on a callis. */
  bytesIn(session: PeerSession, callis: Callis, chunk: Buffer, isOwn: boolean): void {
    const { turn } = this;
    const { counters } = this.core;
    const settled = counters.acksIn + counters.errorsIn;
    const wasPlanned = turn.beginReading();
    const now = turn.readClock();
    if (callis.blob === undefined) {
      this.rounds.noteMessages(now);
      session.sender = (callis.driver as CallisLink).sender;
    }
    try {
      bytesIn(session, callis, chunk, now, isOwn);
      this.turned(session);
    } finally {
      // Whoever awaits a send goes on in a promise job.
      turn.endReading(wasPlanned, counters.acksIn + counters.errorsIn !== settled);
    }
  }

  /** Input has come for this session, outside the program's own calls: runs its requests, and the flush looks at it. */
  turned(session: PeerSession): void {
    this.runPrograms();
    this.touch(session);
  }

  /** Not while the machine is at work: whoever is told of an outcome in there may send on. */
  private get mayWriteEarly(): boolean {
    return !this.turn.isReading && !this.slabs.isOpen && !this.isWorking;
  }

  /** Lets the machine end many things at once, with nothing written until it is through. */
  private work(step: () => void): void {
    const was = this.isWorking;
    this.isWorking = true;
    try {
      step();
    } finally {
      this.isWorking = was;
    }
  }

  /** Makes sure that the flush of this turn looks at the session: writes, deadlines. */
  private touch(session: PeerSession): void {
    const driver = driverOf(session);
    if (!driver.isDirty) {
      driver.isDirty = true;
      this.dirty.push(session);
    }
    this.turn.plan();
  }

  /** Something was done, or has ended, that no peer's flush would look at. */
  lookAgain(): void {
    this.turn.plan();
  }

  /** Requests that stay in this taberna expire by themselves. */
  watchIngress(taberna: Taberna): void {
    if (taberna.waiting > 0) this.alarm.set(taberna.deadline, this.clock.now());
  }

  /** Ends the session with a peer: what is tracked fails, waiting answers still leave. */
  closePeer(address: string): void {
    const session = this.core.peers.get(address);
    if (session === undefined) return;
    const now = this.clock.now();
    const failure = {
      kind: 'peer-unavailable',
      text: 'the session was closed here',
      delivery: 'not-sent',
      cause: undefined,
    } as const;
    this.work(() => session.close(failure, now, now + this.core.settings.sendTimeoutMs));
    this.touch(session);
  }

  /** Puts new settings in force. */
  updateSettings(settings: DeliverySettings): void {
    this.core.updateSettings(settings, this.clock.now());
    this.touchAll();
    this.domusDue();
  }

  /**
   * The first half of a shutdown (a1-delivery, closing): closes the tabernae and waits until nothing is under way and
   * `quiet` agrees, for at most `drainTimeoutMs` or until the abort.
   */
  async drain(drainTimeoutMs: number, cut: AbortSignal, quiet: () => boolean): Promise<void> {
    const { core } = this;
    core.beginShutdown(this.clock.now());
    this.touchAll();
    await this.progress.until(() => core.isQuiet && quiet(), drainTimeoutMs, cut);
  }

  /** The second half: fails what is left, closes every peer, and resolves when none is left. An abort cuts them. */
  async close(cut: AbortSignal): Promise<void> {
    const { core, clock } = this;
    this.isClosed = true;
    this.work(() => core.endShutdown(clock.now()));
    this.touchAll();
    await this.progress.until(() => core.peers.size === 0, core.settings.sendTimeoutMs + LONGEST_LINGER_MS, cut);
    this.work(() => core.abort(clock.now()));
    this.alarm.clear();
  }

  // --- effects of the machine ------------------------------------------------------------------------------------

  dial(session: PeerSession, kind: CallisKind): void {
    void this.runDial(session, kind);
  }

  cancelDial(session: PeerSession, kind: CallisKind): void {
    const { dials } = driverOf(session);
    const dial = dials[kind];
    dials[kind] = undefined;
    dial?.abort();
  }

  endCallis(callis: Callis, manner: EndManner): void {
    (callis.driver as CallisLink | undefined)?.end(manner);
  }

  wantsWrite(session: PeerSession): void {
    this.touch(session);
  }

  arrived(taberna: Taberna): void {
    this.withArrivals.push(taberna);
    this.turn.plan();
  }

  blobMoved(blob: OutboundBlob | InboundBlob): void {
    if (this.core.local.carries(blob)) this.localMoves.add(blob);
    else this.movedBlobs.push(blob);
    this.turn.plan();
  }

  forgotten(session: PeerSession): void {
    if (this.recent === session) this.recent = undefined;
    (session.driver as PeerDriver | undefined)?.alarm.clear();
    this.progress.made();
  }

  event(event: CoreEvent): void {
    this.onEvent(event);
  }

  // --- turns -----------------------------------------------------------------------------------------------------

  private flush(): void {
    this.runPrograms();
    const now = this.clock.now();
    const { dirty } = this;
    // What a flush makes dirty again has its turn in the next one.
    for (let left = dirty.length; left > 0; left--) {
      const session = dirty.shift()!;
      driverOf(session).isDirty = false;
      this.flushSession(session, now);
    }
    const { local } = this.core;
    if (local.hasStreams) this.alarm.set(local.nextDeadline(), now);
    this.progress.made();
  }

  private flushSession(session: PeerSession, now: number): void {
    session.flushBegins();
    const { calles } = session;
    for (let i = 0; i < calles.length; i++) (calles[i]!.driver as CallisLink | undefined)?.flush(now);
    if (session.state.kind !== 'gone') driverOf(session).alarm.set(session.nextDeadline(), now);
  }

  /** Lets the owners take what has arrived; what stays is copied out of the read buffers. */
  private runArrivals(): void {
    for (let taberna = this.withArrivals.pop(); taberna !== undefined; taberna = this.withArrivals.pop()) {
      taberna.announced = false;
      (taberna.owner as TabernaOwner).arrivals(taberna);
      taberna.detach();
      this.watchIngress(taberna);
    }
  }

  /** Requests that have arrived and blob streams that have moved go to their programs; then whoever gathers messages makes them. */
  private runPrograms(): void {
    if (this.withArrivals.length > 0) this.runArrivals();
    for (let blob = this.movedBlobs.pop(); blob !== undefined; blob = this.movedBlobs.pop()) tellMoved(blob);
    this.localMoves.tell(tellMoved);
    for (let program = this.programs.pop(); program !== undefined; program = this.programs.pop()) {
      program.announced = false;
      program.beforeFlush();
    }
  }

  private sessionDue(session: PeerSession): void {
    this.work(() => session.tick(this.clock.now()));
    this.turned(session);
  }

  private domusDue(): void {
    const now = this.clock.now();
    this.work(() => this.core.tick(now));
    this.alarm.set(this.core.nextDeadline(), now);
  }

  private touchAll(): void {
    for (const session of this.core.peers.values()) this.touch(session);
    this.turn.plan();
  }

  // --- peers -----------------------------------------------------------------------------------------------------

  private driverFor(session: PeerSession): PeerDriver {
    session.driver ??= new PeerDriver(session, this.clock, (due) => this.sessionDue(due));
    return driverOf(session);
  }

  private join(stream: AuthenticatedStream, driver: PeerDriver, callis: Callis): void {
    const link = new CallisLink(stream, driver.session, callis, this);
    callis.driver = link;
    driver.identity = stream.peer;
    stream.start(link);
  }

  private async runDial(session: PeerSession, kind: CallisKind): Promise<void> {
    const driver = this.driverFor(session);
    const { dials } = driver;
    const dial = new AbortController();
    dials[kind] = dial;
    try {
      // Large chunks are kept where they were read; small ones are gathered.
      const keeps = kind === 'blob' && session.blobs!.numbers.chunkBytes >= this.core.settings.blobPiecesFromBytes;
      const stream = await this.backend!.dial(
        session.address as `tcp://${string}`,
        dial.signal,
        keeps ? 'own' : 'shared',
      );
      const now = this.clock.now();
      const callis = dials[kind] === dial ? session.dialled(kind, stream.kind === 'tcp', now) : undefined;
      if (callis === undefined) stream.destroy();
      else this.join(stream, driver, callis);
    } catch (error) {
      if (dials[kind] === dial) session.dialFailed(kind, error, this.clock.now());
    }
    if (dials[kind] === dial) dials[kind] = undefined;
    this.turned(session);
  }
}

function tellMoved(blob: OutboundBlob | InboundBlob): void {
  blob.announced = false;
  try {
    (blob.owner as BlobOwner | undefined)?.moved();
  } catch (error) {
    // A listener of the program has thrown. From here that would end the reading of a connection, and what others are to be told.
    process.nextTick(() => {
      throw error;
    });
  }
}
