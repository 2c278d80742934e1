/**
 * One seeded simulation: a swarm is drawn, nodes send to each other amid faults, every step is judged by the oracle, and
 * in the end all nodes shut down and nothing may be left. Owns the plan of the run: who sends when, who crashes and
 * comes back, when the storm ends.
 *
 * Long on purpose: the agenda of a run and what each of its events does stand side by side.
 */
import { Application, INSTANT, type Stage } from './application.ts';
import { isPaused } from './audit.ts';
import type { Connection, End } from './connection.ts';
import { Coverage } from './coverage.ts';
import type { Entry } from './entry.ts';
import { type FaultStage, injectFault } from './faults.ts';
import { Oracle } from './oracle.ts';
import { Random } from './random.ts';
import { RuleBroken } from './rule-broken.ts';
import { Streams } from './streams.ts';
import { drawSettings, drawSwarm, type FaultWeights, type Swarm } from './swarm.ts';
import { Trace } from './trace.ts';
import { VirtualDomus } from './virtual-domus.ts';
import { FIRST_OWN_CODE, World, type WorldOptions } from './world.ts';

const SEND = FIRST_OWN_CODE;
const DECIDE = FIRST_OWN_CODE + 1;
const POLL = FIRST_OWN_CODE + 2;
const FAULT = FIRST_OWN_CODE + 3;
const HEAL = FIRST_OWN_CODE + 4;
const RESTART = FIRST_OWN_CODE + 5;
const GIVE_UP = FIRST_OWN_CODE + 6;
const END_SHUTDOWN = FIRST_OWN_CODE + 7;
const BE_GONE = FIRST_OWN_CODE + 8;
const PROGRAM = FIRST_OWN_CODE + 9;

const CHECK_EVERY = 256;
/** More than twice the longest sendTimeout that a node can have had. */
const CALM_MICROS = 70_000_000;
/** Until then silence has been noticed, if it can be (a1-delivery, keepalive). */
const SILENCE_MICROS = 30_000_000;
/** A callis that lingers, and a few ticks. */
const LINGER_MICROS = 1_100_000;

export interface SimulationOptions {
  /** Events before the end begins. */
  readonly events: number;
  /** What the swarm is to be instead of what the seed draws. */
  readonly swarm?: Partial<Swarm>;
  readonly coverage?: Coverage;
  /** Takes the readable trace. */
  readonly print?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly sends: number;
  /** 64 bits over everything that happened, as hex. */
  readonly hash: string;
  /** The broken rule, or what was thrown. */
  readonly failure: Error | undefined;
}

/** Runs one seed to its end, or to the first broken rule. */
export function simulate(seed: number, options: SimulationOptions): SimulationResult {
  const simulation = new Simulation(seed, options);
  const { stackTraceLimit } = Error;
  let failure: Error | undefined;
  // Failed dials are errors, and their stacks would cost more than everything else about them.
  if (options.print === undefined) Error.stackTraceLimit = 0;
  try {
    simulation.run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  const { world, oracle, trace } = simulation;
  return {
    seed,
    events: world.events,
    virtualMs: world.time / 1000,
    sends: oracle.sends,
    hash: trace.hash,
    failure,
  };
}

/** The ids of one side only: an error may name a stream of either side, and equal ids would be confused. */
function wrappingId(party: number, random: Random): number {
  return party === 0 ? (0xffff_ffff - random.below(100)) >>> 0 : random.u32();
}

function repeatedId(party: number): number {
  return party * 0x0100_0000;
}

function firstIdOf({ wraps, repeatsIds }: Swarm): WorldOptions['firstId'] {
  if (wraps) return wrappingId;
  return repeatsIds ? repeatedId : undefined;
}

class Simulation implements Stage, FaultStage {
  readonly world: World;
  readonly oracle: Oracle;
  readonly trace: Trace;
  readonly swarm: Swarm;
  readonly faultKinds: readonly [keyof FaultWeights, number][];
  readonly coverage: Coverage;
  readonly streams: Streams;
  private readonly budget: number;
  private nextCheck = CHECK_EVERY;
  /** Every application that ever ran, and which of them runs at each place. */
  private readonly applications: Application[] = [];
  private readonly running: (Application | undefined)[] = [];
  /** `calm` and `end`: no faults and no new work; nodes come back in `calm`. */
  private phase: 'storm' | 'calm' | 'end' = 'storm';

  constructor(seed: number, options: SimulationOptions) {
    const random = new Random(seed);
    this.swarm = Object.assign(drawSwarm(random), options.swarm);
    this.faultKinds = Object.entries(this.swarm.faults).filter(([, weight]) => weight > 0) as typeof this.faultKinds;
    this.budget = options.events;
    this.coverage = options.coverage ?? new Coverage();
    this.trace = new Trace(options.print);
    const { nodes, route, nudges, poisons, a0Failure } = this.swarm;
    const world = new World({
      seed: random.u32(),
      parties: nodes,
      route,
      firstId: firstIdOf(this.swarm),
      onOwnEvent: (code, a, b) => this.carryOut(code, a, b),
    });
    this.world = world;
    world.nudges = nudges;
    world.poisons = poisons;
    world.network.chances.a0Failure = a0Failure;
    world.network.chances.keepsInFlight = a0Failure === 0 && this.swarm.faultEvery === 0;
    this.oracle = new Oracle(world, this.trace, this.coverage);
    this.oracle.wire.hasBlobs = this.swarm.blobs > 0;
    world.network.chunksAlone = this.swarm.blobs > 0;
    this.streams = new Streams({
      random: world.random,
      trace: this.trace,
      coverage: this.coverage,
      bytesMost: this.swarm.streamMost,
      chunkLeast: () => this.chunkLeast(),
      planProgram: (index) => this.plan(PROGRAM, index, 0, 20_000),
    });
    world.observer = this.oracle;
    this.say(`swarm: ${JSON.stringify(this.swarm)}`);
    for (let index = 0; index < nodes; index++) this.start(index);
    if (this.swarm.faultEvery > 0) this.plan(FAULT, 0, 0, this.swarm.faultEvery);
  }

  /** The whole life of the seed. */
  run(): void {
    const isCalm = this.swarm.ending === 'calm';
    this.advance(Number.POSITIVE_INFINITY, isCalm ? this.budget * 0.6 : this.budget);
    if (isCalm) this.converge();
    this.shutDownAll();
    this.countAll();
  }

  say(text: string): void {
    this.trace.print?.(`${this.world.clock} ${text}`);
  }

  // --- time --------------------------------------------------------------------------------------------------------

  /** Carries events out until a time, or until so many were carried out in all. */
  private advance(until: number, events: number): void {
    const { world, trace } = this;
    while (world.events < events && world.agenda.nextTime <= until) {
      world.step();
      const { code, a, b } = world.agenda;
      trace.note(world.time, code, a * 65_537 + b);
      if (world.events >= this.nextCheck) {
        this.checkAll();
        this.nextCheck = world.events + CHECK_EVERY;
      }
    }
    if (until !== Number.POSITIVE_INFINITY && world.agenda.nextTime > until) world.time = until;
    this.checkAll();
  }

  private checkAll(): void {
    this.oracle.checkAll();
    for (let index = 0; index < this.swarm.nodes; index++) {
      const domus = this.domusAt(index);
      if (domus !== undefined && !isPaused(domus)) this.streams.audit(domus);
    }
  }

  private chunkLeast(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.swarm.nodes; index++)
      least = Math.min(least, this.domusAt(index)?.core.settings.blobChunkBytes ?? least);
    return least;
  }

  private plan(code: number, a: number, b: number, most: number): void {
    this.world.agenda.add(this.world.time + 1 + this.world.random.below(most), code, a, b);
  }

  private at(code: number, a: number, b: number, micros: number): void {
    this.world.agenda.add(this.world.time + micros, code, a, b);
  }

  private carryOut(code: number, a: number, b: number): void {
    if (code === FAULT) this.fault();
    else if (code === HEAL) this.world.network.setOpen(a, b, true);
    else if (code === RESTART) this.start(a);
    else if (code === GIVE_UP) this.giveUp(a);
    else if (code === PROGRAM) this.programStep(a);
    else this.applicationStep(code, a, b);
  }

  private applicationStep(code: number, a: number, b: number): void {
    const application = this.applications[a]!;
    const { domus } = application;
    if (!domus.isUp) return;
    if (domus.pausedUntil > this.world.time) {
      this.world.agenda.add(domus.pausedUntil, code, a, b);
      return;
    }
    if (code === SEND) {
      if (this.phase !== 'storm') return;
      application.sendSome();
      this.plan(SEND, a, 0, this.swarm.sendEvery);
    } else if (code === DECIDE) application.decideLater(b);
    else if (code === POLL) application.poll();
    else if (code === END_SHUTDOWN) this.endShutdown(a, domus);
    else this.beGone(domus);
  }

  private programStep(index: number): void {
    const program = this.streams.programs[index]!;
    const { domus } = program;
    if (!domus.isUp) return;
    if (domus.pausedUntil > this.world.time) {
      this.world.agenda.add(domus.pausedUntil, PROGRAM, index, 0);
      return;
    }
    program.step();
    domus.endTurn();
  }

  planDecision(application: Application, index: number, micros: number): void {
    this.at(DECIDE, this.applications.indexOf(application), index, micros);
  }

  planPoll(application: Application, micros: number): void {
    this.at(POLL, this.applications.indexOf(application), 0, micros);
  }

  // --- nodes -------------------------------------------------------------------------------------------------------

  domusAt(index: number): VirtualDomus | undefined {
    const domus = this.running[index]?.domus;
    return domus?.isUp === true ? domus : undefined;
  }

  private start(index: number): void {
    if (this.domusAt(index) !== undefined || this.phase === 'end') return;
    const { random, network } = this.world;
    const { settings, clocksDiffer, faultEvery } = this.swarm;
    network.comeBack(index);
    const own = random.chance(30) ? drawSettings(random, faultEvery === 0) : settings;
    const domus = new VirtualDomus(this.world, index, own, clocksDiffer ? 0.9 + random.below(200) / 1000 : 1);
    this.world.parties[index] = domus;
    domus.keepsEvents = false;
    const application = new Application(domus, this);
    this.applications.push(application);
    this.running[index] = application;
    this.say(`domus ${index} starts: ${JSON.stringify(own)}`);
    this.plan(SEND, this.applications.length - 1, 0, this.swarm.sendEvery);
  }

  crash(domus: VirtualDomus, silently: boolean): void {
    this.coverage.saw('node crashed');
    this.countCounters(domus);
    this.oracle.abandon(domus);
    domus.isUp = false;
    this.world.crashed(domus, silently);
    // Where ids wrap, those of all lives of the first domus begin in the same hundred.
    if (this.swarm.repeatsIds || (this.swarm.wraps && domus.index === 0)) this.world.silence(domus);
    const micros = this.world.random.skewed(100, this.swarm.downtime);
    this.at(RESTART, domus.index, 0, micros);
    for (const connection of silently ? this.world.network.connections : []) {
      const isOwn = connection.dialler.party === domus || connection.listener.party === domus;
      if (isOwn) this.planGiveUp(connection, micros * 2);
    }
  }

  shutDown(domus: VirtualDomus): void {
    this.coverage.saw('node shut down gracefully');
    domus.beginShutdown();
    const index = this.applications.findIndex((application) => application.domus === domus);
    this.plan(END_SHUTDOWN, index, 0, domus.core.settings.sendTimeoutMs * 500);
  }

  private endShutdown(index: number, domus: VirtualDomus): void {
    domus.endShutdown();
    // A peer that was being closed before has its own deadline, of the settings of that time.
    this.at(BE_GONE, index, 0, domus.longestTimeoutMs * 1200 + LINGER_MICROS * 1.2);
  }

  private beGone(domus: VirtualDomus): void {
    // A pause holds up what the deadline of the close would have ended; the abort of the shell does the rest.
    if (domus.pausedUntil > 0) domus.abort();
    this.oracle.checkEnded(domus);
    this.streams.checkEnded(domus);
    this.countCounters(domus);
    domus.isUp = false;
    this.plan(RESTART, domus.index, 0, 100_000);
  }

  toggleTaberna(domus: VirtualDomus): void {
    this.running[domus.index]!.toggleTaberna();
  }

  // --- faults ------------------------------------------------------------------------------------------------------

  private fault(): void {
    if (this.phase !== 'storm') return;
    injectFault(this);
    this.plan(FAULT, 0, 0, this.swarm.faultEvery);
  }

  planHeal(from: number, to: number, micros: number): void {
    this.at(HEAL, from, to, micros);
  }

  planGiveUp(connection: Connection, micros: number): void {
    this.at(GIVE_UP, connection.id, 0, micros);
  }

  private giveUp(id: number): void {
    const connection = this.world.network.connection(id);
    if (connection === undefined) return;
    const paused = Math.max(connection.dialler.party.pausedUntil, connection.listener.party.pausedUntil);
    if (paused > this.world.time) this.world.agenda.add(paused, GIVE_UP, id, 0);
    else this.world.network.giveUp(connection);
  }

  // --- calm --------------------------------------------------------------------------------------------------------

  /** The faults stop; then whatever was under way settles, and every node reaches every other. */
  private converge(): void {
    this.phase = 'calm';
    this.say('calm');
    this.endPauses();
    this.endFaults();
    const timeouts = this.upDomus().map((domus) => domus.core.settings.sendTimeoutMs);
    const longest = Math.max(...timeouts) * 1000;
    this.streams.hurryAll();
    this.advanceUntil(() => this.isSettled, CALM_MICROS);
    // Chunks may have become tiny since a stream began: it has the time that it takes, as long as it moves.
    for (let moved = -1; moved !== this.streams.moved && !this.isSettled; ) {
      moved = this.streams.moved;
      this.advanceUntil(() => this.isSettled, CALM_MICROS / 50);
    }
    if (this.streams.open > 0)
      throw new RuleBroken(8, `in calm, ${this.streams.open} streams do not end: ${this.streams.example}`);
    // Who has come back meanwhile may be more impatient.
    this.endDelays();
    // Silence is noticed after five seconds at the earliest, and not at all where neither keepalives nor answers are due.
    this.advanceUntil(() => !this.hasHalfOpen, SILENCE_MICROS);
    const lost = this.hasHalfOpen ? ['send-timeout'] : [];
    // Whoever has come back unseen is noticed by the first send.
    this.probe(longest, ['peer-restarted', 'taberna-busy', ...lost]);
    this.probe(longest, ['taberna-busy', ...lost]);
    this.coverage.saw('calm reached');
  }

  /** A node holds a primary whose other end is gone. */
  private get hasHalfOpen(): boolean {
    const isHalf = (end: End): boolean =>
      end.party.isUp && !end.closed && end.callis?.isActivePrimary === true && (end.other.closed || end.other.vanished);
    return this.world.network.connections.some(({ ends }) => ends.some(isHalf));
  }

  /** Every node sends to every other; all is accepted, or fails for a reason that is allowed. */
  private probe(longest: number, allowed: readonly string[]): void {
    const probes = this.probeAll();
    this.advanceUntil(() => this.oracle.pending === 0, longest * 1.2 + 10_000);
    for (const { state, failure, number } of probes) {
      if (state !== 'accepted' && !allowed.includes(failure?.kind ?? ''))
        throw new RuleBroken(8, `in calm, send ${number} ended as ${failure?.kind ?? state}`);
    }
  }

  /** Every node is up, nothing is being closed, and no send of the storm is left. */
  private get isSettled(): boolean {
    const up = this.upDomus();
    if (up.length < this.swarm.nodes || this.oracle.pending > 0) return false;
    // Streams whose programs have begun since the storm ended.
    this.streams.hurryAll();
    if (this.streams.open > 0) return false;
    const isOpen = (domus: VirtualDomus): boolean =>
      domus.isListening && [...domus.core.peers.values()].every((session) => session.state.kind === 'open');
    return up.every(isOpen);
  }

  /** Lets time pass until a condition holds, looking from time to time, and for so long at most. */
  private advanceUntil(holds: () => boolean, micros: number): void {
    const until = this.world.time + micros;
    const most = this.world.events + 40 * this.budget + 1_000_000;
    while (this.world.time < until && this.world.events < most && !holds())
      this.advance(Math.min(until, this.world.time + micros / 50), most);
    if (this.world.events >= most) throw new RuleBroken(8, 'no end of events in calm');
  }

  /** A pause cannot be cut short: what it held up stands on the agenda for its end. */
  private endPauses(): void {
    const last = Math.max(...this.upDomus().map((domus) => domus.pausedUntil), 0);
    this.advanceUntil(() => this.world.time >= last, Math.max(0, last - this.world.time));
  }

  /** The ways become so short that dials and sends of all who are up may end in their time. */
  private endDelays(): void {
    const settings = this.upDomus().map((domus) => domus.core.settings);
    const connectMs = Math.min(...settings.map(({ callisConnectTimeoutMs }) => callisConnectTimeoutMs));
    // A send that has to dial takes eight ways: four for A0, the hellos, the message and its answer.
    const sendMs = Math.min(...settings.map(({ sendTimeoutMs }) => sendTimeoutMs));
    const latencyMost = Math.floor(Math.min(connectMs * 50, (sendMs * 1000) / 12));
    for (const route of this.world.network.routes) {
      route.latencyMost = Math.min(route.latencyMost, latencyMost);
      route.latencyLeast = Math.min(route.latencyLeast, route.latencyMost);
    }
  }

  /** What is still in flight need not cost an event for each small piece. */
  private endPieces(): void {
    for (const route of this.world.network.routes) {
      route.pieceLeast = 65_536;
      route.pieceMost = 65_536;
    }
  }

  private endFaults(): void {
    const { world } = this;
    const { network } = world;
    network.chances.a0Failure = 0;
    for (let index = 0; index < this.swarm.nodes; index++) this.start(index);
    this.endDelays();
    for (const route of network.routes) {
      route.capacity = 256 * 1024;
      route.bandwidth = 1000;
    }
    this.endPieces();
    for (let from = 0; from < this.swarm.nodes; from++) {
      for (let to = 0; to < this.swarm.nodes; to++) network.setOpen(from, to, true);
    }
    for (const connection of [...network.connections]) {
      if (connection.ends.some((end) => end.outward.dark || end.vanished || end.outward.stalledUntil > world.time))
        network.giveUp(connection);
    }
  }

  private probeAll(): Entry[] {
    const probes: Entry[] = [];
    for (const application of this.running) {
      for (let to = 0; to < this.swarm.nodes; to++) {
        const { domus } = application!;
        if (to === domus.index) continue;
        probes.push(application!.send(to, INSTANT, 'a3', false, domus.core.settings.sendTimeoutMs, 20));
      }
    }
    return probes;
  }

  // --- the end -----------------------------------------------------------------------------------------------------

  private shutDownAll(): void {
    this.phase = 'end';
    this.endPieces();
    this.endPauses();
    this.say('all shut down');
    let longest = 0;
    for (const domus of this.upDomus()) {
      longest = Math.max(longest, domus.longestTimeoutMs * 1000);
      if (!domus.core.closing) this.shutDown(domus);
    }
    this.advanceUntil(() => this.upDomus().length === 0, longest * 2 + 3 * LINGER_MICROS);
    const left = this.upDomus();
    if (left.length > 0) throw new RuleBroken(3, `domus ${left[0]!.index} did not end`);
  }

  private upDomus(): VirtualDomus[] {
    const up: VirtualDomus[] = [];
    for (let index = 0; index < this.swarm.nodes; index++) {
      const domus = this.domusAt(index);
      if (domus !== undefined) up.push(domus);
    }
    return up;
  }

  private countAll(): void {
    if (this.swarm.route.pieceMost === 1) this.coverage.saw('bytes one at a time');
  }

  private countCounters(domus: VirtualDomus): void {
    const { counters } = domus.core;
    this.coverage.saw('duplicate suppressed', counters.duplicatesIn);
    this.coverage.saw('nudge', counters.nudgesOut);
  }
}
