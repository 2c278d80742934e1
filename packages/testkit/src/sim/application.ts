/**
 * The program on a simulated node: tabernae of every temper, and a stream of sends to peers and to itself. It decides
 * requests in the turn in which they came, later, or never.
 */
import type { Taberna } from '@flaminia/delivery-a1/internal';
import type { Coverage } from './coverage.ts';
import { Entry } from './entry.ts';
import type { Taken } from './observer.ts';
import type { Oracle } from './oracle.ts';
import type { Random } from './random.ts';
import { PATTERN } from './stream-entry.ts';
import type { Streams } from './streams.ts';
import type { Swarm } from './swarm.ts';
import type { TabernaOwner, VirtualDomus } from './virtual-domus.ts';
import type { World } from './world.ts';

/** How a taberna treats its requests; the index is its id. */
const TEMPERS = [
  'none',
  'instant',
  'fickle',
  'slow',
  'batching',
  'comes and goes',
  'never taking',
  'never deciding',
  'streaming',
] as const;
type Temper = (typeof TEMPERS)[number];

const FRIENDLY = [1, 1, 1, 2, 3, 4];
const UNFRIENDLY = [5, 6, 7, 9];
export const INSTANT = 1;
const COMES_AND_GOES = 5;
const STREAMING = 8;
/** Streams go where they are read, and now and then where nobody is or takes them. */
const STREAMING_PLACES = [STREAMING, STREAMING, STREAMING, STREAMING, 6, 9];
const SHUTDOWN = 26;
const NO_BYTES = new Uint8Array(0);
/** A full lane is not worth a whole burst. */
const REFUSALS_PER_BURST = 3;

/** What an application asks of the simulation that it runs in. */
export interface Stage {
  readonly world: World;
  readonly oracle: Oracle;
  readonly swarm: Swarm;
  readonly coverage: Coverage;
  readonly streams: Streams;
  /** Calls `decideLater` of this application after some microseconds. */
  planDecision(application: Application, index: number, micros: number): void;
  /** Calls `poll` of this application after some microseconds. */
  planPoll(application: Application, micros: number): void;
}

export class Application implements TabernaOwner {
  readonly domus: VirtualDomus;
  private readonly stage: Stage;
  private readonly random: Random;
  private readonly batching: Taberna;
  private changing: Taberna | undefined;
  private readonly delayed: (Taken | undefined)[] = [];
  private pollPlanned = false;

  constructor(domus: VirtualDomus, stage: Stage) {
    this.domus = domus;
    this.stage = stage;
    this.random = stage.world.random;
    for (let id = 1; id < TEMPERS.length; id++) if (id !== COMES_AND_GOES && id !== 4) domus.register(0, id, this);
    this.batching = domus.register(0, 4, this);
    this.changing = domus.register(0, COMES_AND_GOES, this);
  }

  arrivals(domus: VirtualDomus, taberna: Taberna): void {
    const temper: Temper = TEMPERS[taberna.lo]!;
    if (temper === 'never taking') return;
    if (temper === 'batching') {
      if (!this.pollPlanned) this.stage.planPoll(this, this.random.between(1, 20_000));
      this.pollPlanned = true;
      return;
    }
    // One that comes and goes is a little behind, so that something waits when it goes.
    const kept = temper === 'comes and goes' ? 1 : 0;
    while (taberna.waiting > kept) this.handle(domus.take(taberna)!, temper);
  }

  private handle(taken: Taken, temper: Temper): void {
    const { random, domus } = this;
    const { stream } = taken.entry!;
    if (stream !== undefined && taken.blob !== undefined) this.stage.streams.receive(stream, taken.blob, domus);
    if (temper === 'instant') domus.decide(taken, 0);
    else if (temper === 'fickle') domus.decide(taken, random.chance(50) ? 0 : 4, 'not today');
    else if (temper === 'slow') {
      this.delayed.push(taken);
      this.stage.planDecision(this, this.delayed.length - 1, random.between(1, this.stage.swarm.decideWithin));
    } else if (temper === 'comes and goes') domus.decide(taken, 0);
    else if (temper === 'streaming') this.decideStream(taken);
  }

  /** At once, later, or no. */
  private decideStream(taken: Taken): void {
    const { random, domus } = this;
    if (random.chance(60)) domus.decide(taken, 0);
    else if (random.chance(20)) domus.decide(taken, 4, 'not today');
    else {
      this.delayed.push(taken);
      this.stage.planDecision(this, this.delayed.length - 1, random.between(1, this.stage.swarm.decideWithin));
    }
  }

  /** A slow handler has made up its mind; now and then it decides twice. */
  decideLater(index: number): void {
    const taken = this.delayed[index];
    if (taken === undefined) return;
    this.delayed[index] = undefined;
    this.stage.coverage.saw('delayed decision');
    this.domus.decide(taken, this.random.chance(80) ? 0 : 4);
    if (this.random.chance(5)) this.domus.decide(taken, 4);
    this.domus.endTurn();
  }

  /** A batching reader takes some of what waits. */
  poll(): void {
    this.pollPlanned = false;
    for (let most = this.random.between(1, 20); most > 0; most--) {
      const taken = this.domus.take(this.batching);
      if (taken === undefined) break;
      this.domus.decide(taken, 0);
    }
    this.domus.endTurn();
    if (this.batching.waiting === 0) return;
    this.pollPlanned = true;
    this.stage.planPoll(this, this.random.between(1, 20_000));
  }

  /** Closes a taberna, or opens it again. */
  toggleTaberna(): void {
    const { domus } = this;
    if (domus.core.closing) return;
    if (this.changing === undefined) {
      this.changing = domus.register(0, COMES_AND_GOES, this);
    } else {
      domus.core.unregister(this.changing, SHUTDOWN, domus.now());
      this.changing = undefined;
    }
    domus.endTurn();
  }

  /** Sends a few messages. */
  sendSome(): void {
    if (this.domus.core.closing) return;
    const { swarm } = this.stage;
    let refused = 0;
    for (let burst = this.random.skewed(1, swarm.burstMost); burst > 0 && refused < REFUSALS_PER_BURST; burst--) {
      if (this.sendOne().failure?.kind === 'local-queue-full') refused++;
    }
  }

  private sendOne(): Entry {
    const { random, domus } = this;
    const { swarm } = this.stage;
    const isOwn = random.chance(4);
    const to = isOwn ? domus.index : (domus.index + 1 + random.below(swarm.nodes - 1)) % swarm.nodes;
    const taberna = random.pick(random.chance(swarm.unfriendly) ? UNFRIENDLY : FRIENDLY);
    const { sendTimeoutMs } = domus.core.settings;
    const timeout = random.chance(5) ? random.between(1, sendTimeoutMs) : sendTimeoutMs;
    if (swarm.blobs > 0 && random.chance(swarm.blobs) && this.mayStream) return this.sendStream(to, timeout);
    return this.send(to, taberna, random.chance(20) ? 'a2' : 'a3', random.chance(25), timeout);
  }

  /** Sends one message with a payload of its own, of a size that the swarm allows or of `size` bytes. */
  send(to: number, taberna: number, tier: 'a2' | 'a3', wait: boolean, timeoutMs: number, size?: number): Entry {
    const entry = this.newEntry(to, taberna, tier, timeoutMs, size);
    this.domus.send(entry, wait);
    return entry;
  }

  private get mayStream(): boolean {
    return this.stage.streams.openAt(this.domus) < this.stage.swarm.streams || this.random.chance(1);
  }

  private sendStream(to: number, timeoutMs: number): Entry {
    const taberna = this.random.pick(STREAMING_PLACES);
    return this.stage.streams.begin(this.domus, () => this.newEntry(to, taberna, 'a3', timeoutMs, 20));
  }

  private newEntry(to: number, taberna: number, tier: 'a2' | 'a3', timeoutMs: number, size?: number): Entry {
    const { domus } = this;
    const { oracle, swarm, world } = this.stage;
    const number = oracle.sends;
    const payload = this.payload(number, to === domus.index, size ?? this.random.skewed(0, swarm.payloadMost));
    const type = (tier === 'a3' ? 0x0100_0000 : 0x0001_0000) + (number & 0xff);
    const deadline = domus.now() + timeoutMs;
    const address = world.addressOf(to);
    const entry = new Entry(number, domus.index, address, tier, 0, taberna, type, payload, deadline, oracle);
    // A send is an input to the machine like any other.
    world.events++;
    return entry;
  }

  /** Messages to the own domus carry their number, since no wire tells which is which. */
  private payload(number: number, isOwn: boolean, size: number): Uint8Array {
    if (isOwn) {
      const own = Buffer.alloc(Math.max(4, Math.min(size, 200)));
      own.writeUInt32BE(number);
      return own;
    }
    const from = this.random.below(PATTERN.length - size);
    return size === 0 ? NO_BYTES : new Uint8Array(PATTERN.buffer, PATTERN.byteOffset + from, size);
  }
}
