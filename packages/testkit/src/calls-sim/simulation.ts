/**
 * One seed of the simulation of calls: nodes that call each other's service through the product's own calls, services and tables of
 * providers, over a virtual A1 and on a virtual clock, amid faults; then calm, in which everything must come to its end.
 *
 * 9. Behind the end of all calls nothing is left of them: no try, no handler, no timer, no listener.
 * 10. Each handler has ended, by itself or since its signal has.
 * 11. What is thrown is caught.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import { Random } from '../sim/random.ts';
import { Trace } from '../sim/trace.ts';
import { isRead, Planner } from './call-plan.ts';
import { Ledger } from './ledger.ts';
import { NodeLife } from './node-life.ts';
import { Situations } from './situations.ts';
import { VirtualDelivery } from './virtual-delivery.ts';
import { VirtualPort } from './virtual-port.ts';
import { VirtualTime } from './virtual-time.ts';
import { drawWeather, type Fault, type Weather } from './weather.ts';
import { WireAccount } from './wire-account.ts';

export interface SimulationOptions {
  /** Takes the lines of the trace. */
  readonly print?: ((line: string) => void) | undefined;
  readonly situations?: Situations;
}

export interface SimulationResult {
  readonly seed: number;
  /** Of the whole trace: the same seed gives the same. */
  readonly hash: string;
  readonly calls: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly failure: Error | undefined;
}

/** Longer than any call with a deadline, than a session without a connection, and than a sleep. */
const CALM_MS = 200_000;
/** Longer than what is told again, up to nine times, and handlers that do not obey. */
const REST_MS = 330_000;
/** Until whatever had waited for a handler has begun. */
const NESTED_MS = 60_000;
const FAREWELL_MS = 20_000;
const MOST_EVENTS = 200_000;

/** Runs a seed; several at once would share the clock on the wall. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const simulation = new Simulation(seed, options);
  const { now } = Date;
  const thrown = (reason: unknown): void => simulation.ledger.broken(11, `nobody catches ${String(reason)}`);
  process.on('unhandledRejection', thrown);
  Date.now = () => simulation.time.now + simulation.wallAheadMs;
  try {
    return await simulation.run();
  } finally {
    Date.now = now;
    process.off('unhandledRejection', thrown);
  }
}

class Simulation {
  readonly time = new VirtualTime();
  readonly ledger: Ledger;
  /** How far the clock on the wall has been set. */
  wallAheadMs = 0;
  private readonly seed: number;
  private readonly chance: Random;
  private readonly weather: Weather;
  private readonly situations: Situations;
  private readonly delivery: VirtualDelivery;
  private readonly planner: Planner;
  private readonly addresses: readonly DomusAddr[];
  private readonly providers: ReadonlySet<DomusAddr>;
  private readonly lives = new Map<DomusAddr, NodeLife>();
  /** All that ever were. */
  private readonly born: NodeLife[] = [];
  /** No service has gone away so far. */
  private hasEverybody = true;
  private events = 0;

  constructor(seed: number, { print, situations = new Situations() }: SimulationOptions) {
    this.seed = seed;
    this.situations = situations;
    this.chance = new Random(seed);
    this.weather = drawWeather(this.chance);
    this.ledger = new Ledger(this.time, new Trace(print), situations, this.weather);
    this.delivery = new VirtualDelivery(this.time, this.chance, this.weather, situations);
    this.delivery.onlooker = new WireAccount(this.ledger);
    this.planner = new Planner(this.chance, this.weather);
    this.addresses = Array.from(
      { length: this.weather.nodes },
      (_, index): DomusAddr => `tcp://127.0.0.1:${index + 1}`,
    );
    this.providers = new Set(this.addresses.filter((_, index) => index === 0 || this.chance.chance(60)));
  }

  async run(): Promise<SimulationResult> {
    const begun = this.time.now;
    try {
      for (const address of this.addresses) this.start(address);
      for (const { table } of this.born) table.update(this.announced());
      for (let made = 0; made < this.weather.calls && this.isWhole; ) {
        await this.advance(this.chance.skewed(0, this.weather.gapMs));
        if (this.chance.chance(this.weather.faultPercent)) this.strike(this.chance.pick(this.weather.faults));
        else {
          this.call();
          made++;
        }
      }
      if (this.isWhole) await this.calm();
      if (this.isWhole) await this.leaveAll();
    } catch (error) {
      this.ledger.failure ??= error as Error;
    }
    this.count();
    const { failure, trace, calls } = this.ledger;
    const { seed, events } = this;
    return { seed, hash: trace.hash, calls: calls.size, events, virtualMs: this.time.now - begun, failure };
  }

  // --- programs --------------------------------------------------------------------------------------------------

  private call(): void {
    const living = this.awake();
    if (living.length === 0) return;
    const { caller, table } = this.chance.pick(living);
    caller.call(this.planner.draw());
    if (table.table.waiting > 0) this.situations.saw('call waited for providers');
    for (const { provided } of living)
      if ((provided?.underWay ?? 0) > this.weather.concurrency) this.situations.saw('call waited for a handler');
  }

  private start(address: DomusAddr): void {
    const port = new VirtualPort(address, this.born.length + 1, this.time, this.delivery, this.chance);
    this.delivery.born(port);
    const probe = (from: VirtualPort, to: DomusAddr): Promise<void> => this.probe(from, to);
    const life = new NodeLife({ port, ledger: this.ledger, chance: this.chance, probe });
    this.lives.set(address, life);
    this.born.push(life);
    if (this.providers.has(address)) life.provide();
    this.ledger.note(20, port.life, 0, () => `${address} begins life ${port.life}`);
  }

  private probe(from: VirtualPort, to: DomusAddr): Promise<void> {
    return new Promise((resolve, reject) => {
      const there = this.lives.get(to)?.announced !== undefined;
      from.after(2 * this.weather.delayMs(this.chance), () =>
        there ? resolve() : reject(new Error('nobody is there')),
      );
    });
  }

  private announced(): NonNullable<NodeLife['announced']>[] {
    return [...this.lives.values()].flatMap(({ announced }) => announced ?? []);
  }

  /** Everybody learns what has changed, each in its time. */
  private spread(): void {
    for (const { port, table } of this.living())
      port.after(this.chance.skewed(0, this.weather.isOver ? 1 : 3_000), () => table.update(this.announced()));
  }

  private living(): NodeLife[] {
    return [...this.lives.values()].filter(({ port, isLeaving }) => !port.isGone && !isLeaving);
  }

  private awake(): NodeLife[] {
    return this.living().filter(({ port }) => port.sleepsUntil <= this.time.now);
  }

  // --- faults ----------------------------------------------------------------------------------------------------

  private strike(fault: Fault): void {
    const living = this.awake();
    if (living.length === 0) return;
    const one = this.chance.pick(living);
    const other = this.chance.pick(living);
    this.ledger.note(21, one.port.life, other.port.life, () => `${fault}: ${one.port.life}, ${other.port.life}`);
    if (fault === 'crash' || fault === 'leave' || fault === 'withdraw') this.hasEverybody = false;
    if (fault === 'lose') this.delivery.lose(one.port, other.port);
    else if (fault === 'part' && one !== other) this.delivery.part(one.port, other.port);
    else if (fault === 'heal') this.delivery.heal();
    else if (fault === 'crash') this.crash(one);
    else if (fault === 'leave') void this.leave(one, this.chance.skewed(0, 20_000));
    else if (fault === 'withdraw') this.withdraw(one);
    else if (fault === 'wall') {
      this.situations.saw('clock on the wall set');
      this.wallAheadMs = this.chance.between(-3_600_000, 3_600_000);
    } else if (fault === 'sleep') {
      this.situations.saw('node slept');
      one.port.sleepsUntil = this.time.now + this.chance.skewed(1, 60_000);
    }
  }

  private crash({ port }: NodeLife): void {
    this.situations.saw('node crashed');
    this.delivery.crash(port);
    this.again(port.address);
  }

  private async leave(life: NodeLife, drainMs: number): Promise<void> {
    this.situations.saw('node left');
    const left = life.leave(drainMs);
    this.spread();
    await left;
    await this.pause(life.port, 1_000);
    // Whoever reads outputs may be slow at that.
    for (const { plan, port } of this.ledger.open())
      if (port === life.port && !isRead(plan))
        this.ledger.broken(2, `call ${plan.id} has no end behind that of its node`);
    this.delivery.shutDown(life.port);
    if (!this.weather.isOver) this.again(life.port.address);
  }

  private withdraw(life: NodeLife): void {
    if (life.provided === undefined) return;
    this.situations.saw('service withdrawn');
    const ended = life.withdraw(this.chance.skewed(0, 20_000));
    this.spread();
    void ended.then(() =>
      life.port.after(this.chance.skewed(0, 10_000), () => {
        if (!life.isFree) return;
        life.provide();
        this.spread();
      }),
    );
  }

  /** A node comes back at its address. */
  private again(address: DomusAddr): void {
    this.spread();
    this.time.after(this.chance.skewed(0, 20_000), () => {
      this.start(address);
      this.lives.get(address)!.table.update(this.announced());
      this.spread();
    });
  }

  // --- the end ---------------------------------------------------------------------------------------------------

  private async calm(): Promise<void> {
    this.weather.isOver = true;
    this.weather.busyPercent = 0;
    this.delivery.heal();
    this.spread();
    await this.advance(CALM_MS);
    for (const { plan, deadline } of this.ledger.open())
      if (deadline < this.time.now) this.ledger.broken(6, `call ${plan.id} has no end behind its deadline`);
    this.ledger.mustHaveMoved();
    // Twice: a handler that had waited until now may make a call as part of its own.
    for (const restMs of [NESTED_MS, REST_MS]) {
      for (const { caller } of this.living()) caller.abortAll();
      await this.advance(restMs);
    }
    for (const { plan } of this.ledger.open()) this.ledger.broken(2, `call ${plan.id} has no end`);
    for (const { leftovers, port } of this.living())
      if (leftovers !== '') this.ledger.broken(9, `left at ${port.life}: ${leftovers}`);
    for (const { plan, runs, end } of this.ledger.calls.values()) {
      if (this.hasEverybody && plan.kind === 'one-way' && end === 'answered' && runs.length === 0)
        this.ledger.broken(3, `call ${plan.id} was taken, and no handler ran`);
      for (const { state, port, call, number } of runs)
        if (state === 'running' && !port.isGone)
          this.ledger.broken(10, `handler ${number} of call ${call.plan.id} has no end`);
    }
  }

  private async leaveAll(): Promise<void> {
    for (const life of this.living()) void this.leave(life, 1_000);
    await this.advance(FAREWELL_MS);
    for (const { port } of this.born)
      if (!port.isGone && port.leftovers !== '')
        this.ledger.broken(9, `left behind life ${port.life}: ${port.leftovers}`);
  }

  /** What can be seen only when all is over. */
  private count(): void {
    for (const { port } of this.born) {
      for (const { kind } of port.events) {
        if (kind === 'provider-ejected') this.situations.saw('provider ejected');
        if (kind === 'provider-readmitted') this.situations.saw('provider readmitted');
      }
    }
    for (const { runs } of this.ledger.calls.values()) {
      for (const { context } of runs) {
        if (!context.signal.aborted) continue;
        const { code } = context.signal.reason as { readonly code: string };
        if (code === 'deadline-exceeded') this.situations.saw('deadline at the callee');
        if (code === 'cancelled') this.situations.saw('handler aborted: cancelled');
      }
    }
  }

  // --- time ------------------------------------------------------------------------------------------------------

  private get isWhole(): boolean {
    return this.ledger.failure === undefined;
  }

  /** Lets time pass; whatever an event sets off comes to rest before the next. */
  private async advance(ms: number): Promise<void> {
    const until = this.time.now + ms;
    await this.rest();
    while (this.isWhole && this.time.step(until)) {
      if (++this.events > MOST_EVENTS) this.ledger.broken(9, 'nothing comes to rest');
      await this.rest();
    }
  }

  private async rest(): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    } while (this.flush());
  }

  private flush(): boolean {
    let hasRun = false;
    for (const { port } of this.born) if (!port.isGone && port.flush()) hasRun = true;
    return hasRun;
  }

  private pause(port: VirtualPort, ms: number): Promise<void> {
    return new Promise((resolve) => port.after(ms, resolve));
  }
}
