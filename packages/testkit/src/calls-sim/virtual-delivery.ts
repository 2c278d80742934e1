/**
 * A1 between the nodes of a simulation, as the port shows it: sessions that survive lost connections, messages that are taken or
 * fail, once, and nothing of frames.
 *
 * 1. A waiter is told once, and from inside `send` only where the send was refused there.
 * 2. A message reaches its taberna once in a session at most, in the order of its sends; what was written and not answered is sent
 *    again on the next connection, and its answer given again.
 * 3. One whose time is over may have come all the same, where it was written.
 * 4. A peer that has started anew fails what was written to its life before, and takes what was not.
 */
import type { SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import type { PeerEvent, PortMessage } from '@flaminia/services-a2/internal';
import type { DomusAddr, ErrorKind } from '@flaminia/transport-a0';
import type { Random } from '../sim/random.ts';
import type { Situations } from './situations.ts';
import type { BelowPort, Verdict, VirtualPort } from './virtual-port.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';

/** Who looks at what is sent, and at what comes. */
export interface Onlooker {
  sent(from: VirtualPort, message: PortMessage): void;
  came(to: VirtualPort, from: DomusAddr, message: PortMessage): void;
  told(from: VirtualPort, message: PortMessage, fate: SendFailure | undefined): void;
  happened(at: VirtualPort, event: PeerEvent): void;
}

interface Tracked {
  readonly id: number;
  readonly message: PortMessage;
  readonly waiter: SendWaiter;
  isWritten: boolean;
  isOnLink: boolean;
  isSettled: boolean;
}

/** What one life keeps of a peer. */
interface Side {
  readonly port: VirtualPort;
  readonly to: DomusAddr;
  /** The life of the peer that the session is with; undefined without a session. */
  peer: VirtualPort | undefined;
  outbox: Tracked[];
  /** Answers to what has come in this session, for what comes again. */
  answered: Map<number, Verdict>;
  link: Link | undefined;
  isDialling: boolean;
  failedDials: number;
  lostAt: number;
}

/** A connection; `last`: when the last message in each direction arrives. */
interface Link {
  isUp: boolean;
  readonly last: Map<VirtualPort, number>;
}

/** So long a session waits for a connection: twice `sendTimeout`. */
const IMPAIRED_MS = 60_000;
const LONGEST_BACKOFF_MS = 5_000;

export class VirtualDelivery implements BelowPort {
  onlooker: Onlooker | undefined = undefined;
  private readonly time: VirtualTime;
  private readonly chance: Random;
  private readonly weather: Weather;
  private readonly situations: Situations;
  /** Who lives at an address. */
  private readonly living = new Map<DomusAddr, VirtualPort>();
  private readonly sides = new Map<VirtualPort, Map<DomusAddr, Side>>();
  private readonly apart = new Set<string>();
  private count = 0;

  constructor(time: VirtualTime, chance: Random, weather: Weather, situations: Situations) {
    this.time = time;
    this.chance = chance;
    this.weather = weather;
    this.situations = situations;
  }

  born(port: VirtualPort): void {
    this.living.set(port.address, port);
    this.sides.set(port, new Map());
  }

  /** The process ends without a word. */
  crash(port: VirtualPort): void {
    port.isGone = true;
    this.living.delete(port.address);
    for (const side of this.sides.get(port)!.values()) this.cut(side);
    this.sides.delete(port);
  }

  /** The domus is shut down: what is tracked fails, sessions are closed. */
  shutDown(port: VirtualPort): void {
    port.isOpen = false;
    for (const side of [...this.sides.get(port)!.values()]) this.close(port, side.to, 'domus-closed');
    this.living.delete(port.address);
  }

  /** Ends the session with a peer in an orderly way. */
  close(port: VirtualPort, address: DomusAddr, kind: ErrorKind = 'peer-unavailable'): void {
    const side = this.sides.get(port)?.get(address);
    if (side === undefined) return;
    const { link, peer } = side;
    if (link?.isUp === true && peer !== undefined && peer !== port) {
      const other = this.sides.get(peer)?.get(port.address);
      this.onLink(link, peer, () => {
        if (other?.link === link) this.endSession(other, failure('peer-unavailable', 'not-sent'));
        link.isUp = false;
      });
    }
    this.endSession(side, failure(kind, 'not-sent'));
  }

  /** No new connections between two, and the one that they have is lost. */
  part(one: VirtualPort, other: VirtualPort): void {
    this.apart.add(pairOf(one.address, other.address));
    this.lose(one, other);
  }

  heal(): void {
    this.apart.clear();
  }

  /** The connection between two is lost, and with it what is under way on it. */
  lose(one: VirtualPort, other: VirtualPort): void {
    const side = this.sides.get(one)?.get(other.address);
    if (side !== undefined) this.cut(side);
  }

  isIdle(port: VirtualPort, address: DomusAddr): boolean {
    const side = this.sides.get(port)?.get(address);
    return side === undefined || side.outbox.length === 0;
  }

  send(port: VirtualPort, message: PortMessage, waiter: SendWaiter): void {
    this.onlooker?.sent(port, message);
    const refused = !port.isOpen
      ? failure('domus-closed', 'not-sent')
      : message.payload.length > this.weather.maxPayloadBytes
        ? failure('encode-failure', 'not-sent')
        : undefined;
    if (refused !== undefined) {
      this.onlooker?.told(port, message, refused);
      waiter.failed(refused, message.to);
      return;
    }
    const tracked = { id: ++this.count, message, waiter, isWritten: false, isOnLink: false, isSettled: false };
    const side = this.sideOf(port, message.to);
    side.outbox.push(tracked);
    port.after(Math.max(1, message.deadline - this.time.now), () => this.expire(side, tracked));
    if (message.to === port.address) this.toItself(side, tracked);
    else if (side.link !== undefined) port.after(0, () => this.write(side));
    else this.dial(side);
  }

  // --- messages --------------------------------------------------------------------------------------------------

  private toItself(side: Side, tracked: Tracked): void {
    tracked.isWritten = true;
    side.port.after(0, () => {
      if (tracked.isSettled) return;
      const verdict = this.decide(side.port, side.port.address, tracked);
      side.port.after(0, () => this.settle(side, tracked, verdict));
    });
  }

  /** Writes what waits, as far as the lane has room. */
  private write(side: Side): void {
    const { link, peer } = side;
    if (link === undefined || peer === undefined) return;
    let room = this.weather.laneMessages;
    for (const tracked of side.outbox) {
      if (room-- <= 0) break;
      if (tracked.isOnLink) continue;
      if (tracked.isWritten) this.situations.saw('message sent again on another connection');
      tracked.isWritten = true;
      tracked.isOnLink = true;
      this.onLink(link, peer, () => this.arrive(link, peer, side, tracked));
    }
  }

  private arrive(link: Link, to: VirtualPort, from: Side, tracked: Tracked): void {
    const side = this.sides.get(to)?.get(from.port.address);
    if (side === undefined || side.link !== link) return;
    let verdict = side.answered.get(tracked.id);
    if (verdict === undefined) {
      verdict = this.decide(to, from.port.address, tracked);
      side.answered.set(tracked.id, verdict);
    } else this.situations.saw('answer of A1 given again');
    const told = verdict;
    this.onLink(link, from.port, () => {
      if (from.link === link) this.settle(from, tracked, told);
    });
  }

  private decide(port: VirtualPort, from: DomusAddr, { message }: Tracked): Verdict {
    if (this.chance.chance(this.weather.busyPercent)) {
      this.situations.saw('taberna busy');
      return { kind: 'taberna-busy', text: '' };
    }
    this.onlooker?.came(port, from, message);
    return port.receive(from, message);
  }

  private settle(side: Side, tracked: Tracked, verdict: Verdict): void {
    if (!this.over(side, tracked)) return;
    const { message, waiter } = tracked;
    if (verdict === 'taken') {
      this.onlooker?.told(side.port, message, undefined);
      waiter.accepted();
    } else {
      const fate = { ...verdict, delivery: 'refused', cause: undefined } as const;
      this.onlooker?.told(side.port, message, fate);
      waiter.failed(fate, side.to);
    }
    this.write(side);
  }

  private expire(side: Side, tracked: Tracked): void {
    if (tracked.isSettled) return;
    this.situations.saw(tracked.isWritten ? 'message given up written' : 'message given up unwritten');
    this.fail(side, tracked, failure('send-timeout', tracked.isWritten ? 'unknown' : 'not-sent'));
    this.write(side);
  }

  private fail(side: Side, tracked: Tracked, why: SendFailure): void {
    if (!this.over(side, tracked)) return;
    this.onlooker?.told(side.port, tracked.message, why);
    tracked.waiter.failed(why, side.to);
  }

  private over(side: Side, tracked: Tracked): boolean {
    if (tracked.isSettled) return false;
    tracked.isSettled = true;
    side.outbox = side.outbox.filter((other) => other !== tracked);
    return true;
  }

  // --- sessions --------------------------------------------------------------------------------------------------

  private dial(side: Side): void {
    if (side.isDialling || side.link !== undefined) return;
    side.isDialling = true;
    const pause = side.failedDials === 0 ? 0 : Math.min(LONGEST_BACKOFF_MS, 100 * 2 ** side.failedDials);
    side.port.after(pause + this.weather.delayMs(this.chance), () => {
      side.isDialling = false;
      if (side.link !== undefined || !side.port.isOpen) return;
      const peer = this.living.get(side.to);
      if (peer?.isOpen === true && !this.apart.has(pairOf(side.port.address, side.to))) {
        this.connect(side, this.sideOf(peer, side.port.address));
        return;
      }
      side.failedDials++;
      this.situations.saw('dial failed');
      this.happen(side, { kind: 'dial-failed', address: side.to, error: undefined });
      if (side.outbox.length > 0) this.dial(side);
    });
  }

  private connect(dialler: Side, acceptor: Side): void {
    const isResumed = dialler.peer === acceptor.port && acceptor.peer === dialler.port;
    const link: Link = { isUp: true, last: new Map() };
    for (const [side, other] of [
      [acceptor, dialler],
      [dialler, acceptor],
    ] as const) {
      if (side.link !== undefined) side.link.isUp = false;
      if (!isResumed && side.peer !== undefined) this.restart(side);
      side.peer = other.port;
      side.link = link;
      side.failedDials = 0;
      for (const tracked of side.outbox) tracked.isOnLink = false;
      side.port.after(0, () => {
        if (side.link === link) this.write(side);
      });
      this.situations.saw(isResumed ? 'session resumed' : 'session begun');
      this.happen(side, { kind: 'up', address: side.to, fresh: !isResumed });
    }
  }

  private restart(side: Side): void {
    this.situations.saw('session begun anew');
    side.answered = new Map();
    for (const tracked of [...side.outbox])
      if (tracked.isWritten) this.fail(side, tracked, failure('peer-restarted', 'unknown'));
    this.happen(side, { kind: 'ended', address: side.to });
  }

  private endSession(side: Side, why: SendFailure): void {
    const wasLive = side.peer !== undefined;
    side.peer = undefined;
    side.link = undefined;
    side.answered = new Map();
    for (const tracked of [...side.outbox]) this.fail(side, tracked, why);
    if (wasLive) this.happen(side, { kind: 'ended', address: side.to });
  }

  private happen({ port }: Side, event: PeerEvent): void {
    port.happen(event);
    this.onlooker?.happened(port, event);
  }

  /** What is under way is gone at once; each end finds out by itself. */
  private cut({ link, peer, port, to }: Side): void {
    if (link === undefined || !link.isUp) return;
    link.isUp = false;
    const ends = [this.sides.get(port)?.get(to), peer && this.sides.get(peer)?.get(port.address)];
    for (const side of ends) {
      if (side?.link !== link) continue;
      side.port.after(this.chance.chance(50) ? 0 : this.chance.skewed(1, 2_000), () => this.notice(side, link));
    }
  }

  private notice(side: Side, link: Link): void {
    if (side.link !== link) return;
    side.link = undefined;
    const lostAt = this.time.now;
    side.lostAt = lostAt;
    this.situations.saw('connection lost');
    this.happen(side, { kind: 'lost', address: side.to });
    if (side.outbox.length > 0 || this.chance.chance(50)) this.dial(side);
    side.port.after(IMPAIRED_MS, () => {
      if (side.link !== undefined || side.lostAt !== lostAt || side.peer === undefined) return;
      this.situations.saw('session ended, out of reach');
      this.endSession(side, failure('peer-unavailable', 'not-sent'));
    });
  }

  /** Runs at the far side of a connection, behind what is under way there already. */
  private onLink(link: Link, to: VirtualPort, run: () => void): void {
    const at = Math.max(link.last.get(to) ?? 0, this.time.now + this.weather.delayMs(this.chance));
    link.last.set(to, at);
    to.after(at - this.time.now, () => {
      if (link.isUp) run();
    });
  }

  private sideOf(port: VirtualPort, to: DomusAddr): Side {
    const sides = this.sides.get(port)!;
    let side = sides.get(to);
    if (side === undefined) {
      const session = { peer: undefined, outbox: [], answered: new Map(), link: undefined };
      side = { port, to, ...session, isDialling: false, failedDials: 0, lostAt: 0 };
      sides.set(to, side);
    }
    return side;
  }
}

function failure(kind: ErrorKind, delivery: SendFailure['delivery']): SendFailure {
  return { kind, text: '', delivery, cause: undefined };
}

function pairOf(one: DomusAddr, other: DomusAddr): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
