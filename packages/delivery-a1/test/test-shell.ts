/** A domus of which the shell is real, and the backend, the clock and the program are the test's. */
import assert from 'node:assert/strict';
import { turns } from '@flaminia/testkit';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { AuthenticatedStream, Backend } from '@flaminia/transport-a0/internal';
import type { SendFailure, SendWaiter } from '../src/core/send-waiter.ts';
import type { DeliverySettings } from '../src/core/settings.ts';
import type { CoreEvent } from '../src/core/sink.ts';
import type { Taberna } from '../src/core/taberna.ts';
import { Delivery, type Tier } from '../src/shell/delivery.ts';
import { FakeClock } from './fake-clock.ts';
import { hello } from './frame-lines.ts';
import { ScriptedStream } from './scripted-stream.ts';
import { SETTINGS } from './test-settings.ts';

export const OWN = 'tcp://127.0.0.1:1';
export const PEER = 'tcp://127.0.0.1:2';

const A3_TYPE = 0x0100_0000;
const A2_TYPE = 0x0001_0000;

/** How a send ends; it must end once. */
export class Outcome implements SendWaiter {
  state: 'waiting' | 'accepted' | SendFailure = 'waiting';

  accepted(): void {
    assert.equal(this.state, 'waiting', 'a send settles once');
    this.state = 'accepted';
  }

  failed(failure: SendFailure): void {
    assert.equal(this.state, 'waiting', 'a send settles once');
    this.state = failure;
  }

  /** `waiting`, `accepted`, or the kind of the failure. */
  get word(): string {
    return typeof this.state === 'string' ? this.state : this.state.kind;
  }

  get failure(): SendFailure {
    if (typeof this.state === 'string') throw new Error(`the send is ${this.state}`);
    return this.state;
  }
}

/** A request in the hands of a handler. */
export interface Request {
  readonly text: string;
  /** Answers it; error id 0 accepts. False where the answer cannot count any more. */
  decide(errorId?: number): boolean;
}

export interface SendOptions {
  readonly tier?: Tier;
  readonly wait?: boolean;
  readonly timeoutMs?: number;
  readonly taberna?: number;
  /** Who is told; a new one by default. */
  readonly waiter?: Outcome;
}

/** A dial that the shell has asked for; the test ends it. */
export interface Dial {
  readonly address: DomusAddr;
  readonly signal: AbortSignal;
  succeed(stream: AuthenticatedStream): void;
  fail(error: Error): void;
}

export class TestShell implements Backend {
  readonly kind = 'memory';
  readonly clock: FakeClock;
  readonly delivery: Delivery;
  readonly events: CoreEvent[] = [];
  readonly dials: Dial[] = [];

  constructor(settings: Partial<DeliverySettings> = {}, address: string = OWN, clock: FakeClock = new FakeClock()) {
    this.clock = clock;
    this.delivery = new Delivery({
      address,
      settings: { ...SETTINGS, ...settings },
      clock,
      random: () => 0,
      onEvent: (event) => void this.events.push(event),
    });
    this.delivery.useBackend(this);
  }

  async listen(): Promise<void> {}

  dial(address: DomusAddr, signal: AbortSignal): Promise<AuthenticatedStream> {
    return new Promise((resolve, reject) => {
      this.dials.push({ address, signal, succeed: resolve, fail: reject });
    });
  }

  async close(): Promise<void> {}

  /** An inbound stream that has passed A0. */
  accept(address: string = PEER): ScriptedStream {
    const stream = new ScriptedStream(address, 'accepted', this.delivery.core.nextSequence());
    this.delivery.accept(stream);
    return stream;
  }

  /** The same, and the hello exchange is over. */
  async connect(address: string = PEER): Promise<ScriptedStream> {
    const stream = this.accept(address);
    stream.give(hello());
    await turns(1);
    return stream;
  }

  send(payload: string | Uint8Array, options: SendOptions = {}, address: string = PEER): Outcome {
    const { tier = 'a3', wait = false, timeoutMs, taberna = 7, waiter: outcome = new Outcome() } = options;
    const { core, clock } = this.delivery;
    const now = clock.now();
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const type = tier === 'a3' ? A3_TYPE : A2_TYPE;
    const deadline = now + (timeoutMs ?? core.settings.sendTimeoutMs);
    this.delivery.send(address, tier, 0, taberna, type, bytes, deadline, wait, outcome, now);
    return outcome;
  }

  /** Registers a taberna whose requests are handed over in the turn in which they come. */
  serve(id: number, handler: (request: Request) => void): Taberna {
    const arrivals = (taberna: Taberna): void => {
      for (let arrival = taberna.peek(); arrival !== undefined; arrival = taberna.peek()) {
        const { epoch, id: messageId, payload } = arrival;
        const origin = arrival.origin!;
        const text = Buffer.from(payload).toString();
        taberna.drop();
        const decide = (errorId = 0): boolean => origin.decide(epoch, messageId, errorId, '', this.clock.now());
        handler({ text, decide });
      }
    };
    return this.delivery.core.register(0, id, { arrivals });
  }

  /** Lets time pass, and everything that it sets off. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await turns(1);
    while (this.clock.ringNext(until)) await turns(1);
    this.clock.advance(until - this.clock.now());
  }

  eventsOf<Kind extends CoreEvent['kind']>(kind: Kind): Extract<CoreEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<CoreEvent, { kind: Kind }> => event.kind === kind);
  }
}
