/**
 * The door of `@flaminia/domus/testing`: an imperium (fabric) in memory, for the tests of applications. The same `Domus`, without
 * sockets and certificates, on a clock that only the test moves (domus-api, memoryImperium). Handlers alone are tested with
 * `inProcessClient`.
 */
import { type DomusAddr, type OptionNames, optionsOf, outOfRange, type PeerIdentity } from '@flaminia/transport-a0';
import { MemoryNetwork } from '@flaminia/transport-a0/internal';
import type { DomusConfig } from './config.ts';
import { configLog } from './config-log.ts';
import { Domus } from './domus.ts';
import { LayeredResolver } from './layered-resolver.ts';
import { LiveConfig } from './live-config.ts';
import { checkLog, checkResolver, type LogEntry } from './options.ts';
import type { RouteResolver } from './resolver.ts';
import { VirtualClock } from './virtual-clock.ts';
import { wireMemory } from './wiring.ts';

export { type InProcessOptions, inProcessClient } from './in-process-client.ts';

/** Options of {@link memoryImperium}. */
export interface MemoryImperiumOptions {
  /** Where the random numbers come from, a u32; the same seed gives the same ids. Default 1. */
  readonly seed?: number;
}

/** Options of a domus in memory. */
export interface MemoryDomusOptions {
  /** What its callers see as `nodeType`; default null. */
  readonly nodeType?: string;
  /** As that of `Domus.open`. */
  readonly config?: Partial<DomusConfig>;
  /** Asked before the routes that the imperium finds by itself. */
  readonly resolver?: RouteResolver;
  /** As that of `Domus.open`. */
  readonly log?: (entry: LogEntry) => void;
}

const IMPERIUM_NAMES: OptionNames<MemoryImperiumOptions> = { seed: true };
const DOMUS_NAMES: OptionNames<MemoryDomusOptions> = { nodeType: true, config: true, resolver: true, log: true };

/** An imperium in memory. Its clock stands still: only `advance` lets timeouts and delays pass. */
export interface MemoryImperium extends AsyncDisposable {
  /** Opens a domus whose callers see `nodeId`. Its tabernae are found by every other one without a resolver. */
  domus(nodeId: string, options?: MemoryDomusOptions): Promise<Domus>;
  /** Cuts every connection between two domus, and refuses new ones until `heal`. */
  cut(a: Domus, b: Domus): void;
  /** Allows all connections again. */
  heal(): void;
  /** Lets time pass; resolves when everything that it set off has come to rest. */
  advance(ms: number): Promise<void>;
  /** Lets so much time pass as a promise needs to settle; gives its outcome. One that never settles is waited for, for ever. */
  settle<T>(promise: PromiseLike<T>): Promise<T>;
  /** Shuts every domus down. */
  close(): Promise<void>;
}

/** Makes an empty imperium in memory. Throws `invalid-config` for a seed that is none. */
export function memoryImperium(options: MemoryImperiumOptions = {}): MemoryImperium {
  const { seed = 1 } = optionsOf('memoryImperium', options, IMPERIUM_NAMES);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    throw outOfRange('seed', 'an integer, 0 to 2^32 - 1', seed);
  return new World(seed);
}

function checkMember(nodeId: unknown, { nodeType, resolver, log }: MemoryDomusOptions): void {
  if (typeof nodeId !== 'string') throw outOfRange('nodeId', 'a text', nodeId);
  if (nodeType !== undefined && typeof nodeType !== 'string') throw outOfRange('nodeType', 'a text', nodeType);
  checkResolver(resolver);
  checkLog(log);
}

/** Turns of the event loop in which a chain of messages moves on, if it moves on at all. */
const RESTING_TURNS = 16;
/** Domus that never come to rest, because they answer each other for ever, are left so after this many times. */
const RESTING_ROUNDS = 10_000;
const SETTLING_STEP_MS = 50;

class World implements MemoryImperium {
  private readonly network = new MemoryNetwork();
  private readonly clock = new VirtualClock();
  private readonly members = new Map<string, Domus>();
  private opened = 0;
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  async domus(nodeId: string, options: MemoryDomusOptions = {}): Promise<Domus> {
    checkMember(nodeId, optionsOf('a domus in memory', options, DOMUS_NAMES));
    const address: DomusAddr = `tcp://127.0.0.1:${++this.opened}`;
    const self: PeerIdentity = { address, certificate: undefined, nodeId, nodeType: options.nodeType ?? null };
    const parts = wireMemory(
      {
        address,
        config: new LiveConfig(options.config ?? {}, 'tcp', configLog(address, options.log)),
        resolver: this.resolverWith(options.resolver),
        log: options.log,
        clock: this.clock,
        random: () => this.random(),
        nudge: true,
        blobProofMs: 0,
      },
      this.network,
      self,
    );
    await parts.backend.listen();
    const domus = new Domus(parts);
    this.members.set(address, domus);
    return domus;
  }

  cut(a: Domus, b: Domus): void {
    for (const [field, domus] of Object.entries({ a, b })) {
      if (this.members.get(domus?.address) !== domus) throw outOfRange(field, 'a domus of this imperium', domus);
    }
    this.network.cut(a.address, b.address);
  }

  heal(): void {
    this.network.heal();
  }

  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && Number.isFinite(ms))) throw outOfRange('ms', 'a number of 0 or more', ms);
    const until = this.clock.now() + ms;
    await this.rest();
    while (this.clock.step(until)) await this.rest();
  }

  async settle<T>(promise: PromiseLike<T>): Promise<T> {
    let isOver = false;
    const end = Promise.resolve(promise).finally(() => {
      isOver = true;
    });
    // Its rejection is told below, however late.
    end.catch(() => {});
    await this.advance(0);
    while (!isOver) await this.advance(SETTLING_STEP_MS);
    return end;
  }

  async close(): Promise<void> {
    // Ends of connections may wait for the clock, which nobody else moves any more.
    await this.settle(Promise.all([...this.members.values()].map((domus) => domus.shutdown({ drainTimeout: 0 }))));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async rest(): Promise<void> {
    let before = -1;
    for (let round = 0; round < RESTING_ROUNDS && before !== this.activity; round++) {
      before = this.activity;
      for (let turn = 0; turn < RESTING_TURNS; turn++) {
        await new Promise<void>((resolve) => {
          setImmediate(resolve);
        });
      }
    }
  }

  /** A number that rises with everything that the domus do. */
  private get activity(): number {
    let sum = 0;
    for (const { delivery } of this.members.values()) {
      for (const count of Object.values(delivery.core.counters)) {
        if (typeof count === 'number') sum += count;
      }
    }
    return sum;
  }

  /** The given resolver first, then whoever has the taberna, in the order of opening. */
  private resolverWith(given: RouteResolver | undefined): RouteResolver {
    const layers = new LayeredResolver(given);
    layers.useLast({ resolve: (id) => this.find(id) });
    return layers;
  }

  private find(id: bigint): DomusAddr | undefined {
    const hi = Number(id >> 32n);
    const lo = Number(id & 0xffff_ffffn);
    for (const domus of this.members.values()) {
      if (domus.delivery.core.registry.find(hi, lo) !== undefined) return domus.address;
    }
    return undefined;
  }

  /** mulberry32: small, seeded, good enough for ids. */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
