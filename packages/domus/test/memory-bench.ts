/**
 * What the tests of the facade share: imperia in memory that end with their test, and the small tools to hold a promise
 * or to look at how it ended.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { assertEnded, watchedEnd } from '@flaminia/testkit/internal';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import { MemoryNetwork } from '@flaminia/transport-a0/internal';
import type { DomusConfig } from '../src/config.ts';
import { Domus } from '../src/domus.ts';
import { type Endpoint, endpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';
import { LiveConfig } from '../src/live-config.ts';
import type { LogEntry } from '../src/options.ts';
import type { DomusEvent } from '../src/reporting.ts';
import type { RouteResolver } from '../src/resolver.ts';
import { Imperium, type JoinOptions, staticDiscovery } from '../src/services.ts';
import { type MemoryImperium, type MemoryImperiumOptions, memoryImperium } from '../src/testing.ts';
import { VirtualClock } from '../src/virtual-clock.ts';
import { wireMemory } from '../src/wiring.ts';

/** An inbox of numbers: enough for most tests. */
export const Numbers: Endpoint<number> = endpoint('numbers', json<number>());
/** Another one. */
export const Others: Endpoint<number> = endpoint('others', json<number>());

/** An imperium that ends with the test, and nothing of it may be left. */
export function imperium(t: TestContext, options?: MemoryImperiumOptions): MemoryImperium {
  const world = memoryImperium(options);
  const end = watchedEnd(world);
  t.after(end);
  return world;
}

/**
 * Two of them in an imperium, which they leave with the test: the second knows from a list that the first provides a service.
 * `isSeeded`: the second also joins through the first.
 */
export async function providerAndCaller(
  t: TestContext,
  world: MemoryImperium,
  [a, b]: readonly [Domus, Domus],
  service: string,
  { join, isSeeded = false }: { readonly join?: JoinOptions; readonly isSeeded?: boolean } = {},
): Promise<{ readonly provider: Imperium; readonly caller: Imperium }> {
  const provider = await Imperium.join(a, join);
  const discovery = staticDiscovery([{ address: a.address, services: [service] }]);
  const caller = await Imperium.join(b, { discovery, seeds: isSeeded ? [a.address] : [] });
  t.after(() => world.settle(Promise.all([caller, provider].map((each) => each.leave({ drainTimeout: 0 })))));
  return { provider, caller };
}

/** A promise in the hands of the test. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

/** The error that a promise ends with; fails where it ends well or with anything but a DomusError. */
export async function failureOf(promise: Promise<unknown>): Promise<DomusError> {
  const error = await promise.then(
    () => assert.fail('it ended well'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DomusError, `no DomusError: ${String(error)}`);
  return error;
}

/** How a promise stands now and later. Counts what must happen once. */
export class Watched {
  state: 'pending' | 'resolved' | DomusError = 'pending';
  settled = 0;

  constructor(promise: Promise<unknown>) {
    promise.then(
      () => this.settle('resolved'),
      (error: DomusError) => this.settle(error),
    );
  }

  /** The kind of the error, or the state. */
  get kind(): string {
    return typeof this.state === 'string' ? this.state : this.state.kind;
  }

  private settle(state: 'resolved' | DomusError): void {
    this.state = state;
    this.settled++;
  }
}

/** Everything that a domus reports from now on. */
export function eventsOf(domus: Domus): DomusEvent[] {
  const events: DomusEvent[] = [];
  const read = async (): Promise<void> => {
    for await (const event of domus.reporting.events()) events.push(event);
  };
  void read();
  return events;
}

/** Options of a domus of {@link Bench}. */
export interface BenchDomusOptions {
  readonly config?: Partial<DomusConfig>;
  readonly resolver?: RouteResolver;
  readonly log?: (entry: LogEntry) => void;
  readonly nodeId?: string;
}

/** The parts of an imperium in memory, for tests that restart a domus at its address or look at the clock. */
export class Bench {
  readonly network = new MemoryNetwork();
  readonly clock = new VirtualClock();
  private readonly members: Domus[] = [];

  constructor(t: TestContext) {
    t.after(() => this.close());
  }

  async open(port: number, options: BenchDomusOptions = {}): Promise<Domus> {
    const address: DomusAddr = `tcp://127.0.0.1:${port}`;
    const self = { address, certificate: undefined, nodeId: options.nodeId ?? `node-${port}`, nodeType: null };
    const parts = wireMemory(
      {
        address,
        config: new LiveConfig(options.config ?? {}, 'tcp'),
        resolver: options.resolver,
        log: options.log,
        clock: this.clock,
        random: () => 7,
        nudge: true,
        blobProofMs: 0,
      },
      this.network,
      self,
    );
    await parts.backend.listen();
    const domus = new Domus(parts);
    this.members.push(domus);
    return domus;
  }

  /** Lets time pass, as `memoryImperium` does. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await rest();
    while (this.clock.step(until)) await rest();
  }

  /** Ends a domus as a crash would: its connections break, and nothing is said to anybody. */
  async crash(domus: Domus, peers: readonly Domus[]): Promise<void> {
    for (const peer of peers) this.network.cut(domus.address, peer.address);
    const cut = new AbortController();
    cut.abort();
    await domus.shutdown({ drainTimeout: 0, signal: cut.signal });
    this.network.heal();
    await rest();
  }

  /** Ends every domus; nothing of them may be left. */
  async close(): Promise<void> {
    const cut = new AbortController();
    cut.abort();
    await Promise.all(this.members.map((domus) => domus.shutdown({ drainTimeout: 0, signal: cut.signal })));
    await rest();
    for (const domus of this.members) assertEnded(domus);
    assert.equal(this.clock.pending, 0, 'timers of the clock');
    assert.equal(this.network.openEnds, 0, 'ends of connections');
  }
}

/** Some turns of the event loop: whatever is under way in memory comes to rest. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 24; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
