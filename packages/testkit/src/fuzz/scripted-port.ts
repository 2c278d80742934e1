/**
 * A port of the services layer without A1 below it, for the fuzzer: what comes, what becomes of what is sent, and what time it is,
 * is decided by the input.
 *
 * 1. Whatever comes is decided at most once, and whatever is sent is told its fate once at most.
 */

import type { FlushProgram, SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import type { ServicesEvent } from '@flaminia/services-a2';
import type {
  PeerEvent,
  Port,
  PortMessage,
  PortRequest,
  PortTaberna,
  TabernaKey,
} from '@flaminia/services-a2/internal';
import { callerFrom } from '@flaminia/services-a2/internal';
import type { DomusAddr, ErrorKind, PeerIdentity } from '@flaminia/transport-a0';
import { Broken } from './broken.ts';

export const SELF: DomusAddr = 'tcp://127.0.0.1:1';
export const PEER: DomusAddr = 'tcp://127.0.0.1:2';

/** What became of a message: taken, rejected with a text, or neither yet. */
export type Decision = 'taken' | 'open' | { readonly rejected: string };

const FATES: readonly ErrorKind[] = ['peer-unavailable', 'remote-taberna-rejected', 'taberna-busy', 'send-timeout'];

export class ScriptedPort implements Port {
  readonly address: DomusAddr = SELF;
  readonly isOpen = true;
  /** Messages of the product, in order. */
  readonly sent: PortMessage[] = [];
  readonly clock: Port['clock'];
  private readonly tabernae = new Map<string, (request: PortRequest) => void>();
  private readonly listeners = new Set<(event: PeerEvent) => void>();
  private readonly timers = new Map<number, { readonly at: number; readonly ring: () => void }>();
  private readonly waiters: SendWaiter[] = [];
  private programs: FlushProgram[] = [];
  private time = 1_000_000;
  private count = 0;

  constructor() {
    this.clock = {
      now: () => this.time,
      startTimer: (delayMs, ring) => {
        this.timers.set(++this.count, { at: this.time + delayMs, ring });
        return this.count;
      },
      stopTimer: (timer) => void this.timers.delete(timer as number),
    };
  }

  /** Timers that have not rung. */
  get timersLeft(): number {
    return this.timers.size;
  }

  self(): ReturnType<Port['self']> {
    return callerFrom(identityOf(SELF, 'self'));
  }

  now(): number {
    return this.time;
  }

  random(): number {
    this.count = (Math.imul(this.count, 1_664_525) + 1_013_904_223) >>> 0;
    return this.count;
  }

  send(message: PortMessage, waiter: SendWaiter): void {
    this.sent.push({ ...message, payload: message.payload.slice() });
    this.waiters.push(waiter);
  }

  register({ idHi, idLo }: TabernaKey, receive: (request: PortRequest) => void): PortTaberna {
    const key = `${idHi}:${idLo}`;
    if (this.tabernae.has(key)) throw new Broken('a taberna is registered twice');
    this.tabernae.set(key, receive);
    return { close: () => void this.tabernae.delete(key) };
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  report(_event: ServicesEvent): void {}

  runBeforeFlush(program: FlushProgram): void {
    if (program.announced) return;
    program.announced = true;
    this.programs.push(program);
  }

  programGoesOn(): void {}

  isIdle(): boolean {
    return true;
  }

  closePeer(): void {}

  /** A message of the peer. What it held is overwritten afterwards, as a buffer is that is read into again. */
  deliver({ idHi, idLo }: TabernaKey, type: number, bytes: Uint8Array): Decision {
    const receive = this.tabernae.get(`${idHi}:${idLo}`);
    if (receive === undefined) return { rejected: 'unknown-taberna' };
    const payload = bytes.slice();
    let decision: Decision = 'open';
    const decide = (made: Decision): boolean => {
      if (decision !== 'open') throw new Broken('a message is decided twice');
      decision = made;
      return true;
    };
    receive({
      from: PEER,
      type,
      payload,
      caller: () => callerFrom(identityOf(PEER, 'peer')),
      accept: () => decide('taken'),
      reject: (text) => decide({ rejected: text }),
    });
    if (!payload.every((byte, index) => byte === bytes[index])) throw new Broken('a payload was written to');
    payload.fill(0xaa);
    this.flush();
    return decision;
  }

  /** Something has happened to the session. */
  happen(event: PeerEvent): void {
    for (const listener of [...this.listeners]) listener(event);
    this.flush();
  }

  /** Tells the oldest message that waits its fate: 0 for taken. */
  decideOldest(fate: number): void {
    const waiter = this.waiters.shift();
    if (waiter === undefined) return;
    const kind = FATES[(fate - 1) % FATES.length];
    if (fate === 0 || kind === undefined) waiter.accepted();
    else waiter.failed(failureOf(kind), PEER);
    this.flush();
  }

  /** Lets time pass, and rings what is due, in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (let rung = 0; rung < 1_000; rung++) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (due === undefined) break;
      const [id, { at, ring }] = due;
      this.timers.delete(id);
      this.time = Math.max(this.time, at);
      ring();
      this.flush();
    }
    this.time = end;
  }

  private flush(): void {
    while (this.programs.length > 0) {
      const { programs } = this;
      this.programs = [];
      for (const program of programs) {
        program.announced = false;
        program.beforeFlush();
      }
    }
  }
}

function failureOf(kind: ErrorKind): SendFailure {
  return { kind, text: 'not-linked', delivery: kind === 'send-timeout' ? 'unknown' : 'refused', cause: undefined };
}

function identityOf(address: DomusAddr, nodeId: string): PeerIdentity {
  return { address, nodeId, nodeType: null, certificate: undefined };
}
