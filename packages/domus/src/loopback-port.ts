/**
 * A port without A1 beneath it: what is sent to it comes back to its own tabernae (inboxes), in order, one turn of the event
 * loop later. For calls within one process, whose caller is whoever the test says.
 *
 * 1. A message is never handed over from inside `send`, and its waiter is told no earlier than the turn after.
 * 2. Timers are those of the program, so that a test that mocks `Date` and `setTimeout` moves them.
 */

import type { Caller, ServicesEvent } from '@flaminia/services-a2';
import type {
  PeerEvent,
  Port,
  PortMessage,
  PortRequest,
  PortTaberna,
  TabernaKey,
} from '@flaminia/services-a2/internal';
import type { DomusAddr } from '@flaminia/transport-a0';
import { CONFIG_DEFAULTS } from './config.ts';

type Waiter = Parameters<Port['send']>[1];
type Program = Parameters<Port['runBeforeFlush']>[0];

/** Longer timers guard against what never ends, and do not keep a process alive for it. */
const GUARD_MS = 10_000;

/** Taken before any test mocks it: messages move although time stands still. */
const nextTurn = setImmediate;

export class LoopbackPort implements Port {
  readonly address: DomusAddr;
  readonly clock: Port['clock'] = {
    now: () => Date.now(),
    startTimer: (delayMs, ring) => {
      const timer = setTimeout(ring, delayMs);
      return delayMs < GUARD_MS ? timer : timer.unref();
    },
    stopTimer: (timer) => clearTimeout(timer),
  };
  readonly isOpen = true;
  readonly report: (event: ServicesEvent) => void;
  private readonly caller: Caller;
  private readonly tabernae = new Map<string, (request: PortRequest) => void>();
  private steps: (() => void)[] = [];

  constructor(caller: Caller, report: (event: ServicesEvent) => void) {
    this.caller = caller;
    this.address = caller.address;
    this.report = report;
  }

  self(): Caller {
    return this.caller;
  }

  now(): number {
    return this.clock.now();
  }

  random(): number {
    return Math.floor(Math.random() * 2 ** 32);
  }

  send({ taberna, type, payload }: PortMessage, waiter: Waiter): void {
    const { maxPayloadLen } = CONFIG_DEFAULTS.tcp;
    if (payload.length > maxPayloadLen) {
      const text = `the payload of ${payload.length} bytes is over maxPayloadLen (${maxPayloadLen})`;
      waiter.failed({ kind: 'encode-failure', text, delivery: 'not-sent', cause: undefined }, this.address);
      return;
    }
    this.soon(() => {
      const receive = this.tabernae.get(keyText(taberna));
      if (receive !== undefined) receive(this.requestOf(type, payload, waiter));
      else waiter.failed({ kind: 'unknown-taberna', text: '', delivery: 'refused', cause: undefined }, this.address);
    });
  }

  register(taberna: TabernaKey, receive: (request: PortRequest) => void): PortTaberna {
    const key = keyText(taberna);
    this.tabernae.set(key, receive);
    return { close: () => void this.tabernae.delete(key) };
  }

  onPeer(_listener: (event: PeerEvent) => void): () => void {
    return () => {};
  }

  runBeforeFlush(program: Program): void {
    if (program.announced) return;
    program.announced = true;
    this.soon(() => {
      program.announced = false;
      program.beforeFlush();
    });
  }

  programGoesOn(): void {}

  isIdle(): boolean {
    return true;
  }

  closePeer(): void {}

  private requestOf(type: number, payload: Uint8Array, waiter: Waiter): PortRequest {
    let isOpen = true;
    const decide = (tell: () => void): boolean => {
      if (!isOpen) return false;
      isOpen = false;
      this.soon(tell);
      return true;
    };
    return {
      from: this.address,
      type,
      payload,
      caller: () => this.caller,
      accept: () => decide(() => waiter.accepted()),
      reject: (text) =>
        decide(() =>
          waiter.failed({ kind: 'remote-taberna-rejected', text, delivery: 'refused', cause: undefined }, this.address),
        ),
    };
  }

  private soon(step: () => void): void {
    if (this.steps.push(step) > 1) return;
    nextTurn(() => {
      const steps = this.steps;
      this.steps = [];
      for (const each of steps) each();
    });
  }
}

function keyText({ idHi, idLo }: TabernaKey): string {
  return `${idHi}:${idLo}`;
}
