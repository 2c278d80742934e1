/**
 * The narrow port through which A2 sees A1 (a2-services): send to a taberna at a given peer, receive with the
 * authenticated peer, know who is connected, clock and random numbers. Never a socket.
 *
 * 1. Exactly one of a waiter's two methods is called, once, and never from inside `send` unless the send was refused.
 * 2. What a receiver is given of a message lives for the length of the call: who keeps bytes copies them.
 * 3. A request that no receiver decides in its call may be decided later, once.
 */
import type {
  Arrival,
  Clock,
  CoreEvent,
  Delivery,
  FlushProgram,
  RequestOrigin,
  SendFailure,
  SendWaiter,
  Taberna,
  Tier,
} from '@flaminia/delivery-a1/internal';
import { type DomusAddr, ERROR_IDS } from '@flaminia/transport-a0';
import type { Caller } from './authorization/caller.ts';
import type { ServicesEvent } from './services-event.ts';

export type { Clock, FlushProgram, SendFailure, SendWaiter, Tier };

/** The id of a taberna, its 64 bits as two halves. */
export interface TabernaKey {
  readonly idHi: number;
  readonly idLo: number;
}

/** A message on its way out. */
export interface PortMessage {
  /** Canonical address of the domus that it is for; the own one is allowed. */
  readonly to: DomusAddr;
  /** Which lane it takes: gossip and health are `a2`, procedures `a3`. */
  readonly tier: Tier;
  readonly taberna: TabernaKey;
  readonly type: number;
  /** Belongs to the port until the waiter is told. */
  readonly payload: Uint8Array;
  /** A time of the port's clock. */
  readonly deadline: number;
  /** A full lane: wait for room in order, or fail at once. */
  readonly wait: boolean;
}

/** A message that has come in, with the right to answer it once. */
export interface PortRequest {
  readonly from: DomusAddr;
  readonly type: number;
  /** Lives for the length of the receiver's call. */
  readonly payload: Uint8Array;
  /** Who sent it, as its certificate says. */
  caller(): Caller;
  /** False where the answer can no longer count: given before, or the session has ended. */
  accept(): boolean;
  /** Refuses; the sender's send fails with `remote-taberna-rejected` and this text. False as `accept` tells it. */
  reject(text: string): boolean;
}

/** A taberna that is registered at the port. */
export interface PortTaberna {
  /** What still waits is refused with `taberna-shutdown`. Idempotent. */
  close(): void;
}

/** What happens to the session with a peer. */
export type PeerEvent =
  /** A connection is up. `fresh`: the session is new, so nothing of an older one is under way any more. */
  | { readonly kind: 'up'; readonly address: DomusAddr; readonly fresh: boolean }
  /** The last connection was lost; the session may come back, and what is under way with it. */
  | { readonly kind: 'lost'; readonly address: DomusAddr }
  /** Could not be dialled; A1 tries again as long as there is work. */
  | { readonly kind: 'dial-failed'; readonly address: DomusAddr; readonly error: unknown }
  /** The session has ended, or the peer has started anew: nothing that was under way will be answered. */
  | { readonly kind: 'ended'; readonly address: DomusAddr };

export interface Port {
  /** The own canonical address. */
  readonly address: DomusAddr;
  readonly clock: Clock;
  /** False once the domus is being shut down: new work fails. */
  readonly isOpen: boolean;
  /** Who this domus itself is. */
  self(): Caller;
  /** The time of this turn, in milliseconds of the port's clock. */
  now(): number;
  /** A random u32. */
  random(): number;
  send(message: PortMessage, waiter: SendWaiter): void;
  /** Registers a taberna; throws `taberna-already-registered`. */
  register(taberna: TabernaKey, receive: (request: PortRequest) => void): PortTaberna;
  /** Tells of sessions from now on; the result ends that. */
  onPeer(listener: (event: PeerEvent) => void): () => void;
  /** Tells the reporting of the domus. */
  report(event: ServicesEvent): void;
  /** Runs a program once, before what this turn brings is written. */
  runBeforeFlush(program: FlushProgram): void;
  /** Whoever was told something goes on in promise jobs: what is written waits for these. */
  programGoesOn(): void;
  /** Nothing is under way with a peer: no message, answer or stream, in either direction. */
  isIdle(address: DomusAddr): boolean;
  /** Ends the session with a peer in an orderly way, whatever is under way. */
  closePeer(address: DomusAddr): void;
}

/** What the port of a domus stands on. */
export interface DeliveryPortOptions {
  readonly delivery: Delivery;
  /** A random u32. */
  readonly random: () => number;
  readonly self: () => Caller;
  readonly callerOf: (origin: RequestOrigin) => Caller;
  readonly report: (event: ServicesEvent) => void;
}

/** The port of a domus. */
export class DeliveryPort implements Port, FlushProgram {
  readonly address: DomusAddr;
  readonly clock: Clock;
  readonly random: () => number;
  readonly self: () => Caller;
  readonly report: (event: ServicesEvent) => void;
  announced = false;
  private readonly delivery: Delivery;
  /** For the facade, which has requests of its own. */
  readonly callerOf: (origin: RequestOrigin) => Caller;
  private readonly listeners = new Set<(event: PeerEvent) => void>();
  /** A sink may not call back into the machine: what it was told is told on before the flush. */
  private told: CoreEvent[] = [];

  constructor({ delivery, random, self, callerOf, report }: DeliveryPortOptions) {
    this.report = report;
    this.address = delivery.core.address as DomusAddr;
    this.clock = delivery.clock;
    this.delivery = delivery;
    this.random = random;
    this.self = self;
    this.callerOf = callerOf;
  }

  get isOpen(): boolean {
    return !this.delivery.core.closing;
  }

  now(): number {
    return this.delivery.now();
  }

  send({ to, tier, taberna, type, payload, deadline, wait }: PortMessage, waiter: SendWaiter): void {
    const { maxPayloadLen } = this.delivery.core.settings;
    if (payload.length > maxPayloadLen) {
      const text = `the payload of ${payload.length} bytes is over maxPayloadLen (${maxPayloadLen})`;
      waiter.failed({ kind: 'encode-failure', text, delivery: 'not-sent', cause: undefined }, to);
      return;
    }
    const { idHi, idLo } = taberna;
    this.delivery.send(to, tier, idHi, idLo, type, payload, deadline, wait, waiter, this.delivery.now());
  }

  register({ idHi, idLo }: TabernaKey, receive: (request: PortRequest) => void): PortTaberna {
    const { core } = this.delivery;
    const taberna = core.register(idHi, idLo, { arrivals: (from: Taberna) => this.receive(from, receive) });
    let isOpen = true;
    return {
      close: () => {
        if (isOpen) core.unregister(taberna, ERROR_IDS['taberna-shutdown'], this.delivery.now());
        isOpen = false;
      },
    };
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  runBeforeFlush(program: FlushProgram): void {
    this.delivery.runBeforeFlush(program);
  }

  programGoesOn(): void {
    this.delivery.programGoesOn();
  }

  isIdle(address: DomusAddr): boolean {
    const session = this.delivery.core.peers.get(address);
    return session === undefined || session.isQuiet;
  }

  closePeer(address: DomusAddr): void {
    this.delivery.closePeer(address);
  }

  /** For the wiring: something has happened in A1. */
  note(event: CoreEvent): void {
    if (this.listeners.size === 0 || !isOfPeers(event)) return;
    this.told.push(event);
    this.delivery.runBeforeFlush(this);
  }

  beforeFlush(): void {
    const { told } = this;
    this.told = [];
    for (const event of told) {
      for (const each of this.meaningOf(event)) for (const listener of this.listeners) listener(each);
    }
  }

  private isConnected(address: string): boolean {
    return this.delivery.core.peers.get(address)?.outlet !== undefined;
  }

  private receive(from: Taberna, receive: (request: PortRequest) => void): void {
    // What has happened to a session stands before what has come on it.
    if (this.told.length > 0) this.beforeFlush();
    for (let arrival = from.peek(); arrival !== undefined; arrival = from.peek()) {
      const request = new ArrivedRequest(arrival, this.delivery, this.callerOf);
      from.drop();
      receive(request);
    }
  }

  private meaningOf(event: CoreEvent): PeerEvent[] {
    if (!('address' in event)) return [];
    const address = event.address as DomusAddr;
    switch (event.kind) {
      case 'peer-connected':
        return [{ kind: 'up', address, fresh: event.freshSession }];
      case 'peer-disconnected':
        return [{ kind: 'ended', address }];
      case 'peer-session-restarted':
        return [{ kind: 'ended', address }];
      case 'peer-dial-failed':
        return this.isConnected(address) ? [] : [{ kind: 'dial-failed', address, error: event.error }];
      default:
        // One of several may be lost without a word.
        return this.isConnected(address) ? [] : [{ kind: 'lost', address }];
    }
  }
}

function isOfPeers(event: CoreEvent): boolean {
  if (event.kind === 'peer-dial-failed') return event.callis === 'primary';
  return (
    event.kind === 'peer-connected' ||
    event.kind === 'peer-disconnected' ||
    event.kind === 'peer-session-restarted' ||
    event.kind === 'primary-callis-disconnected'
  );
}

const REJECTED = ERROR_IDS['remote-taberna-rejected'];

class ArrivedRequest implements PortRequest {
  readonly type: number;
  readonly payload: Uint8Array;
  private readonly origin: RequestOrigin;
  private readonly epoch: number;
  private readonly id: number;
  private readonly delivery: Delivery;
  private readonly callerOf: (origin: RequestOrigin) => Caller;

  constructor(arrival: Arrival, delivery: Delivery, callerOf: (origin: RequestOrigin) => Caller) {
    this.type = arrival.msgType;
    this.payload = arrival.payload;
    this.origin = arrival.origin!;
    this.epoch = arrival.epoch;
    this.id = arrival.id;
    this.delivery = delivery;
    this.callerOf = callerOf;
  }

  get from(): DomusAddr {
    return this.origin.address as DomusAddr;
  }

  caller(): Caller {
    return this.callerOf(this.origin);
  }

  accept(): boolean {
    return this.origin.decide(this.epoch, this.id, 0, '', this.delivery.now());
  }

  reject(text: string): boolean {
    return this.origin.decide(this.epoch, this.id, REJECTED, text, this.delivery.now());
  }
}
