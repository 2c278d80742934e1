/**
 * One simulated domus (node): the real machine of A1, driven over the virtual network as the shell drives it over real
 * streams. Owns the moment of writing and the alarms; decides nothing about the protocol.
 *
 * 1. One input is one turn: then the requests of the announced tabernae run, then every announced session is written,
 *    then the alarms are set.
 * 2. An alarm is only ever set earlier and rings no more than a millisecond late, as the shell's does.
 * 3. What ran before a crash is dropped with the object; a restart is a new object at the same address.
 *
 * Long on purpose: it is the whole shell of the machine, effect by effect, and nothing else.
 */

import type { BlobOwner } from '@flaminia/delivery-a1/internal';
import {
  type Arrival,
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
  type Taberna,
} from '@flaminia/delivery-a1/internal';
import { DomusError } from '@flaminia/transport-a0';
import type { End } from './connection.ts';
import { type DialAccount, newDialAccount } from './dial-account.ts';
import type { Entry } from './entry.ts';
import type { Attempt } from './network.ts';
import type { Taken } from './observer.ts';
import type { Ringer, World } from './world.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Who takes the requests of a taberna: called in each turn that brought some. */
export interface TabernaOwner {
  arrivals(domus: VirtualDomus, taberna: Taberna): void;
}

/** What is kept for one peer session. */
export class PeerDriver {
  readonly session: PeerSession;
  readonly index: number;
  dirty = false;
  /** The attempts whose outcome is wanted, by kind. */
  readonly attempts: Record<CallisKind, Attempt | undefined> = { primary: undefined, blob: undefined };
  /** When the alarm rings, in the time of the domus, and which of those set it was. */
  alarmAt: number = NEVER;
  alarmToken = 0;
  /** What the oracle keeps for this session. */
  model: unknown = undefined;
  readonly dials: DialAccount = newDialAccount();

  constructor(session: PeerSession, index: number) {
    this.session = session;
    this.index = index;
  }
}

export class VirtualDomus implements CoreSink, Ringer {
  readonly world: World;
  readonly index: number;
  readonly address: string;
  readonly core: DomusCore;
  isUp = true;
  /** Takes inbound connections. */
  isListening = true;
  pausedUntil = 0;
  readonly events: CoreEvent[] = [];
  /** Keeps `events`; off in long runs. */
  keepsEvents = true;
  /** The largest lane and ingress that were ever in force; what is in them may exceed a smaller one set later. */
  largestQueue = 0;
  largestIngress = 0;
  largestBlobBuffer = 0;
  /** As many calles of one peer may be active, greeting, or leaving. */
  largestCalles = 0;
  longestTimeoutMs = 0;
  /** When settings came into force, in the time of the world. */
  settingsAt = 0;
  largestGreeting = 0;
  largestIngressBytes = 0;
  longestConnectMs = 0;
  longestBackoffMs = 0;
  private readonly clockOffset: number;
  private readonly clockRate: number;
  private readonly drivers: (PeerDriver | undefined)[] = [];
  private readonly dirty: PeerDriver[] = [];
  private readonly withArrivals: Taberna[] = [];
  private readonly moved: (OutboundBlob | InboundBlob)[] = [];
  private alarmAt = NEVER;
  private alarmToken = 0;
  /** Something has happened that may have set a deadline of the domus itself. */
  private mayBeDue = false;

  /** Starts at a place of the world; whoever was there before must have crashed or ended. */
  constructor(world: World, index: number, settings: DeliverySettings, clockRate = 1) {
    this.world = world;
    this.index = index;
    this.address = world.addressOf(index);
    // Clocks of different machines have nothing in common.
    this.clockOffset = 1000 + world.random.below(1_000_000);
    this.clockRate = clockRate;
    this.raiseLimits(settings);
    this.core = new DomusCore({ address: this.address, settings, sink: this, random: () => world.firstId(index) });
  }

  /** The clock of this domus, in milliseconds. */
  now(): number {
    return this.clockOffset + (this.world.time * this.clockRate) / 1000;
  }

  /** Milliseconds of the own clock since a time of the world. */
  elapsedMs(since: number): number {
    return ((this.world.time - since) * this.clockRate) / 1000;
  }

  /** Microseconds of the world until this domus reads `time` on its clock. */
  microsUntil(time: number): number {
    return Math.max(0, Math.ceil(((time - this.now()) * 1000) / this.clockRate));
  }

  // --- what a program does ---------------------------------------------------------------------------------------

  register(hi: number, lo: number, owner: TabernaOwner): Taberna {
    return this.core.register(hi, lo, owner);
  }

  /** Hands a message to the machine; the entry is its waiter. */
  send(entry: Entry, wait: boolean): void {
    const { core } = this;
    const now = this.now();
    const { dstHi, dstLo, msgType, payload, deadline } = entry;
    if (entry.address === this.address) {
      const lane = laneOf(core.local.retained, entry);
      this.world.observer?.sent(this, undefined, entry, wait);
      this.mayBeDue = true;
      core.local.send(lane, dstHi, dstLo, msgType, payload, deadline, wait, entry, now);
    } else {
      const session = core.peer(entry.address);
      const driver = this.driverFor(session);
      this.world.observer?.sent(this, session, entry, wait);
      session.send(laneOf(session.retained, entry), dstHi, dstLo, msgType, payload, deadline, wait, entry, now);
      this.touch(driver);
    }
    this.endTurn();
  }

  /** Sends the message that opens a stream. */
  sendBlob(entry: Entry, blob: OutboundBlob): void {
    const { core } = this;
    const now = this.now();
    const { dstHi, dstLo, msgType, payload, deadline } = entry;
    if (entry.address === this.address) {
      this.world.observer?.sent(this, undefined, entry, false);
      this.mayBeDue = true;
      core.local.sendBlob(laneOf(core.local.retained, entry), dstHi, dstLo, msgType, payload, deadline, blob, now);
    } else {
      const session = core.peer(entry.address);
      const driver = this.driverFor(session);
      this.world.observer?.sent(this, session, entry, false);
      session.sendBlob(laneOf(session.retained, entry), dstHi, dstLo, msgType, payload, deadline, blob, now);
      this.touch(driver);
    }
    this.endTurn();
  }

  /** A program has written, read or given up a stream outside its own turn: ends the turn that this makes. */
  programActed(): void {
    this.mayBeDue = true;
    this.endTurn();
  }

  /** Takes the oldest request of a taberna. */
  take(taberna: Taberna): Taken | undefined {
    const arrival = taberna.peek();
    if (arrival === undefined) return undefined;
    const taken = this.noteTaken(taberna, arrival);
    taberna.drop();
    return taken;
  }

  private noteTaken(taberna: Taberna, arrival: Arrival): Taken {
    const { epoch, id, msgType, payload, blob } = arrival;
    const origin = arrival.origin!;
    const entry = this.world.observer?.taken(this, taberna, origin, epoch, id, payload);
    return { origin, epoch, id, msgType, payload, taberna, blob, entry };
  }

  /** Answers a request; true where the answer counts. Ends the turn unless it is called from `arrivals`. */
  decide(taken: Taken, errorId: number, text = ''): boolean {
    this.world.observer?.deciding(this, taken, errorId);
    const counted = taken.origin.decide(taken.epoch, taken.id, errorId, text, this.now());
    this.world.observer?.decided(this, taken, errorId, counted);
    return counted;
  }

  updateSettings(settings: DeliverySettings): void {
    this.raiseLimits(settings);
    this.core.updateSettings(settings, this.now());
    this.mayBeDue = true;
    for (const session of this.core.peers.values()) this.touch(this.driverFor(session));
    this.endTurn();
  }

  private raiseLimits(settings: DeliverySettings): void {
    this.settingsAt = this.world.time;
    this.largestQueue = Math.max(this.largestQueue, settings.sendQueueSize);
    this.largestIngress = Math.max(this.largestIngress, settings.tabernaAcceptQueueSize);
    this.largestIngressBytes = Math.max(this.largestIngressBytes, settings.tabernaAcceptQueueBytes);
    const blobBuffer = Math.max(settings.blobInboundBufferBytes, settings.blobOutboundBufferBytes);
    this.largestBlobBuffer = Math.max(this.largestBlobBuffer, blobBuffer);
    this.largestCalles = Math.max(this.largestCalles, callesOf(settings));
    this.largestGreeting = Math.max(this.largestGreeting, settings.inboundHandshakeLimitPerPeer);
    this.longestTimeoutMs = Math.max(this.longestTimeoutMs, settings.sendTimeoutMs);
    this.longestConnectMs = Math.max(this.longestConnectMs, settings.callisConnectTimeoutMs);
    this.longestBackoffMs = Math.max(this.longestBackoffMs, ...settings.reconnectBackoffMs);
  }

  closePeer(address: string, until: number): void {
    const session = this.core.peers.get(address);
    if (session === undefined) return;
    const failure = { kind: 'peer-unavailable', text: 'closed', delivery: 'not-sent', cause: undefined } as const;
    session.close(failure, this.now(), until);
    this.touch(this.driverFor(session));
    this.endTurn();
  }

  beginShutdown(): void {
    this.isListening = false;
    this.core.beginShutdown(this.now());
    this.touchAll();
  }

  endShutdown(): void {
    this.core.endShutdown(this.now());
    this.touchAll();
  }

  abort(): void {
    this.core.abort(this.now());
    this.endTurn();
  }

  // --- inputs from the network -------------------------------------------------------------------------------------

  nextChallenge(): number {
    return this.core.nextSequence();
  }

  accept(end: End, challenge: number, from: string): void {
    const session = this.core.peer(from);
    const driver = this.driverFor(session);
    const callis = session.accepted(challenge, this.world.nudges, this.now());
    if (callis === undefined) this.world.network.destroy(end);
    else {
      this.join(end, session, callis);
      this.world.observer?.accepted(this, session);
    }
    this.turn(driver);
  }

  bytes(end: End, chunk: Buffer): void {
    const session = end.session!;
    // Either what was read is overwritten behind the call, or it is the reader's own.
    const { poisons } = this.world;
    bytesIn(session, end.callis!, chunk, this.now(), !poisons);
    this.world.observer?.received(end);
    this.turn(this.driverFor(session));
    if (poisons) chunk.fill(0xdd);
  }

  ended(end: End, detail: string): void {
    const session = end.session!;
    session.callisDown(end.callis!, detail, this.now());
    this.turn(this.driverFor(session));
  }

  drained(end: End): void {
    const session = end.session!;
    session.drained(end.callis!);
    this.turn(this.driverFor(session));
  }

  /** The alarm of a session (its index) or of the domus (-1) rings. */
  ring(index: number, token: number): void {
    if (index < 0) {
      if (token !== this.alarmToken) return;
      this.alarmAt = NEVER;
      this.core.tick(this.now());
      this.mayBeDue = true;
      this.endTurn();
      return;
    }
    const driver = this.drivers[index];
    if (driver === undefined || driver.alarmToken !== token) return;
    driver.alarmAt = NEVER;
    driver.session.tick(this.now());
    this.turn(driver);
  }

  // --- effects of the machine ------------------------------------------------------------------------------------

  dial(session: PeerSession, kind: CallisKind): void {
    const driver = this.driverFor(session);
    const { attempts } = driver;
    this.world.observer?.dialling(this, session, kind);
    const attempt = this.world.network.dial(this, this.world.indexOf(session.address), (end, why) => {
      if (attempts[kind] === attempt) attempts[kind] = undefined;
      const callis = end === undefined ? undefined : session.dialled(kind, this.world.nudges, this.now());
      if (end === undefined) session.dialFailed(kind, errorOf(why), this.now());
      else if (callis === undefined) this.world.network.destroy(end);
      else this.join(end, session, callis);
      this.turn(driver);
    });
    attempts[kind] = attempt;
  }

  cancelDial(session: PeerSession, kind: CallisKind): void {
    const { attempts } = this.driverFor(session);
    if (attempts[kind] !== undefined) attempts[kind].cancelled = true;
    attempts[kind] = undefined;
  }

  endCallis(callis: Callis, manner: EndManner): void {
    const end = callis.driver as End;
    this.world.observer?.ending(end, manner);
    if (manner === 'destroy') this.world.network.destroy(end);
    else end.finishing = true;
  }

  wantsWrite(session: PeerSession): void {
    this.touch(this.driverFor(session));
  }

  arrived(taberna: Taberna): void {
    this.withArrivals.push(taberna);
  }

  blobMoved(blob: OutboundBlob | InboundBlob): void {
    this.moved.push(blob);
  }

  forgotten(session: PeerSession): void {
    const driver = this.driverFor(session);
    this.drivers[driver.index] = undefined;
    this.world.observer?.forgotten(this, session);
  }

  event(event: CoreEvent): void {
    if (this.keepsEvents) this.events.push(event);
    this.world.observer?.event(this, event);
  }

  // --- turns -----------------------------------------------------------------------------------------------------

  private turn(driver: PeerDriver): void {
    this.touch(driver);
    this.endTurn();
  }

  /** Runs what the last inputs have brought, writes, and sets the alarms. */
  endTurn(): void {
    const now = this.now();
    do {
      this.runArrivals();
      this.runBlobs();
      for (let driver = this.dirty.pop(); driver !== undefined; driver = this.dirty.pop()) this.flush(driver, now);
    } while (this.withArrivals.length > 0 || this.moved.length > 0);
    if (this.mayBeDue || this.core.local.hasStreams) this.setOwnAlarm();
  }

  private setOwnAlarm(): void {
    this.mayBeDue = false;
    const due = this.core.nextDeadline();
    if (due >= this.alarmAt) return;
    this.alarmAt = due;
    this.world.alarm(this, -1, ++this.alarmToken, due);
  }

  private runArrivals(): void {
    for (let taberna = this.withArrivals.pop(); taberna !== undefined; taberna = this.withArrivals.pop()) {
      taberna.announced = false;
      (taberna.owner as TabernaOwner).arrivals(this, taberna);
      taberna.detach();
      if (taberna.waiting > 0) this.mayBeDue = true;
    }
  }

  private runBlobs(): void {
    for (let blob = this.moved.pop(); blob !== undefined; blob = this.moved.pop()) {
      blob.announced = false;
      (blob.owner as BlobOwner | undefined)?.moved();
    }
  }

  private flush(driver: PeerDriver, now: number): void {
    const { session } = driver;
    driver.dirty = false;
    session.flushBegins();
    for (let i = 0; i < session.calles.length; i++) this.write(session, session.calles[i]!, now);
    this.world.observer?.flushed(this, session);
    if (session.state.kind === 'gone') return;
    const due = session.nextDeadline();
    if (due >= driver.alarmAt) return;
    driver.alarmAt = due;
    this.world.alarm(this, driver.index, ++driver.alarmToken, due);
  }

  private write(session: PeerSession, callis: Callis, now: number): void {
    const end = callis.driver as End | undefined;
    if (end === undefined) return;
    const { batch, network, observer } = this.world;
    while (!callis.isBlocked) {
      batch.reset();
      pollWrite(session, callis, batch, now);
      if (batch.isEmpty) break;
      const from = end.outward.tail - end.outward.head;
      network.write(end, batch.bytes, batch.length);
      if (batch.attachment !== undefined) {
        network.write(end, batch.attachment);
        batch.attachmentFlushed?.();
      }
      observer?.written(end, from);
      if (network.isFull(end)) session.blocked(callis, now);
      if (batch.hasRoom) break;
    }
    if (end.finishing) network.finish(end);
  }

  private touch(driver: PeerDriver): void {
    if (driver.dirty) return;
    driver.dirty = true;
    this.dirty.push(driver);
  }

  private touchAll(): void {
    for (const session of this.core.peers.values()) this.touch(this.driverFor(session));
    this.endTurn();
  }

  private join(end: End, session: PeerSession, callis: Callis): void {
    end.session = session;
    end.callis = callis;
    end.joined = true;
    end.joinedAt = this.world.time;
    callis.driver = end;
  }

  private driverFor(session: PeerSession): PeerDriver {
    const known = session.driver as PeerDriver | undefined;
    if (known !== undefined) return known;
    const driver = new PeerDriver(session, this.drivers.length);
    this.drivers.push(driver);
    session.driver = driver;
    return driver;
  }
}

function laneOf({ a2, a3 }: PeerSession['retained'], { tier }: Entry): PeerSession['retained']['a3'] {
  return tier === 'a2' ? a2 : a3;
}

/** Dials fail for few reasons, and an error is dear to make. */
const errors = new Map<string, DomusError>();

function errorOf(why: string): DomusError {
  const known = errors.get(why);
  if (known !== undefined) return known;
  const error = new DomusError('connection-lost', why);
  errors.set(why, error);
  return error;
}

function callesOf(settings: DeliverySettings): number {
  return settings.maxParallelCallisPerPeer + settings.inboundHandshakeLimitPerPeer + 1;
}
