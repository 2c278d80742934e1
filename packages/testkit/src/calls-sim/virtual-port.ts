/**
 * The port of one life of a node over the virtual A1: its tabernae, its timers, who listens to its sessions. It sleeps where the
 * process of a node would, and after a crash nothing happens in it any more.
 *
 * 1. Whatever comes is decided at once, and once.
 * 2. What a receiver was given of a message is overwritten afterwards, as a buffer is that is read into again.
 */
import type { FlushProgram, SendWaiter } from '@flaminia/delivery-a1/internal';
import type { ServicesEvent } from '@flaminia/services-a2';
import {
  callerFrom,
  type PeerEvent,
  type Port,
  type PortMessage,
  type PortRequest,
  type PortTaberna,
  type TabernaKey,
} from '@flaminia/services-a2/internal';
import type { DomusAddr, ErrorKind } from '@flaminia/transport-a0';
import type { Random } from '../sim/random.ts';
import { RuleBroken } from '../sim/rule-broken.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a receiver has said of a message. */
export type Verdict = 'taken' | { readonly kind: ErrorKind; readonly text: string };

/** What a port stands on. */
export interface BelowPort {
  send(port: VirtualPort, message: PortMessage, waiter: SendWaiter): void;
  isIdle(port: VirtualPort, address: DomusAddr): boolean;
  close(port: VirtualPort, address: DomusAddr): void;
}

export class VirtualPort implements Port {
  readonly address: DomusAddr;
  /** Which life of which node, over the whole run. */
  readonly life: number;
  readonly clock: Port['clock'];
  isOpen = true;
  /** The process is gone. */
  isGone = false;
  sleepsUntil = 0;
  readonly events: ServicesEvent[] = [];
  private readonly time: VirtualTime;
  private readonly delivery: BelowPort;
  private readonly chance: Random;
  private readonly tabernae = new Map<string, (request: PortRequest) => void>();
  private readonly listeners = new Set<(event: PeerEvent) => void>();
  private readonly timers = new Set<number>();
  private started = 0;
  private programs: FlushProgram[] = [];

  constructor(address: DomusAddr, life: number, time: VirtualTime, delivery: BelowPort, chance: Random) {
    this.address = address;
    this.life = life;
    this.time = time;
    this.delivery = delivery;
    this.chance = chance;
    this.clock = {
      now: () => time.now,
      startTimer: (delayMs, ring) => {
        const timer = ++this.started;
        this.timers.add(timer);
        // As a timer of Node: never early, and up to a millisecond late.
        this.after(delayMs + chance.below(100) / 100, () => {
          if (this.timers.delete(timer)) ring();
        });
        return timer;
      },
      stopTimer: (timer) => void this.timers.delete(timer as number),
    };
  }

  /** Timers, tabernae and listeners that are left. */
  get leftovers(): string {
    const { timers, tabernae, listeners } = this;
    return timers.size + tabernae.size + listeners.size === 0
      ? ''
      : `${timers.size} timers, ${tabernae.size} tabernae, ${listeners.size} listeners`;
  }

  get timersLeft(): number {
    return this.timers.size;
  }

  /** Plans something that this process does: later where it sleeps, never where it is gone. */
  after(delayMs: number, run: () => void): void {
    this.time.after(delayMs, () => {
      if (this.isGone) return;
      if (this.sleepsUntil > this.time.now) this.after(this.sleepsUntil - this.time.now, run);
      else run();
    });
  }

  self(): ReturnType<Port['self']> {
    return callerOf(this.address);
  }

  now(): number {
    return this.time.now;
  }

  random(): number {
    return this.chance.u32();
  }

  send(message: PortMessage, waiter: SendWaiter): void {
    this.delivery.send(this, message, waiter);
  }

  register(taberna: TabernaKey, receive: (request: PortRequest) => void): PortTaberna {
    const key = keyOf(taberna);
    if (this.tabernae.has(key)) throw new RuleBroken(1, 'a taberna is registered twice');
    this.tabernae.set(key, receive);
    return {
      close: () => {
        if (this.tabernae.get(key) === receive) this.tabernae.delete(key);
      },
    };
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  report(event: ServicesEvent): void {
    this.events.push(event);
  }

  runBeforeFlush(program: FlushProgram): void {
    if (program.announced) return;
    program.announced = true;
    this.programs.push(program);
  }

  programGoesOn(): void {}

  isIdle(address: DomusAddr): boolean {
    return this.delivery.isIdle(this, address);
  }

  closePeer(address: DomusAddr): void {
    this.delivery.close(this, address);
  }

  /** Runs what waits for the flush; true where something did. */
  flush(): boolean {
    const { programs } = this;
    if (programs.length === 0) return false;
    this.programs = [];
    for (const program of programs) {
      program.announced = false;
      program.beforeFlush();
    }
    return true;
  }

  /** Tells of a session. */
  happen(event: PeerEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  /** Hands a message to its taberna. */
  receive(from: DomusAddr, { taberna, type, payload: bytes }: PortMessage): Verdict {
    const receive = this.tabernae.get(keyOf(taberna));
    if (receive === undefined) return { kind: 'unknown-taberna', text: '' };
    // `slice` of a Buffer would share its memory.
    const payload = new Uint8Array(bytes);
    const verdicts: Verdict[] = [];
    const decide = (made: Verdict): boolean => verdicts.push(made) > 0;
    receive({
      from,
      type,
      payload,
      caller: () => callerOf(from),
      accept: () => decide('taken'),
      reject: (text) => decide({ kind: 'remote-taberna-rejected', text }),
    });
    payload.fill(0xaa);
    if (verdicts.length !== 1) throw new RuleBroken(1, `a message is decided ${verdicts.length} times`);
    return verdicts[0]!;
  }
}

function keyOf({ idHi, idLo }: TabernaKey): string {
  return `${idHi}:${idLo}`;
}

function callerOf(address: DomusAddr): ReturnType<Port['self']> {
  return callerFrom({ address, nodeId: `node-${address.slice(-1)}`, nodeType: null, certificate: undefined });
}
