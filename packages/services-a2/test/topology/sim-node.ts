/** One node of the simulated network: a machine, its timer, and whether it is up, down or stalled. */
import type { Failure } from '../../src/topology/core/outbox.ts';
import { type OwnNode, TopologyCore } from '../../src/topology/core/topology-core.ts';
import type { TopologyEvent, TopologySink } from '../../src/topology/core/topology-sink.ts';
import { fakeSigner, fakeVerifier, quickHash } from './fake-signing.ts';
import { EPOCH_MS, type SimOutcome, type SimSender, type SimWorld } from './sim-world.ts';

export class SimNode implements TopologySink, SimSender {
  core: TopologyCore;
  readonly address: string;
  readonly own: OwnNode;
  isUp = true;
  /** A domus without services: it knows no taberna. */
  isForeign = false;
  /** By how much its wall clock is behind that of the others, from its next start on. */
  clockBehindMs = 0;
  sentMessages = 0;
  sentBytes = 0;
  /** How many times each kind of event came. */
  readonly events: TopologyEvent[] = [];
  onEvent: (event: TopologyEvent) => void = () => {};
  private readonly network: SimWorld;
  private stalledUntil = 0;
  private waiting: { readonly kind: 'timer' | 'message'; readonly run: () => void }[] = [];
  private plannedFor = Number.POSITIVE_INFINITY;
  /** Outcomes of an older life are not told to the next one. */
  private life = 1;

  constructor(network: SimWorld, own: OwnNode) {
    this.network = network;
    this.own = own;
    this.address = own.address;
    this.core = this.born();
  }

  get nodeId(): string {
    return this.own.nodeId;
  }

  start(seeds: readonly string[]): void {
    this.core.start(seeds, this.network.now);
    this.plan();
  }

  /** Ids of those that this node takes to live, sorted. */
  view(): string[] {
    return this.core.membership.table.live.map(({ signed }) => signed.record.nodeId).sort();
  }

  update(own: Partial<OwnNode>): void {
    this.core.announce({ ...this.own, ...own }, this.network.now);
    this.plan();
  }

  crash(): void {
    this.isUp = false;
    this.life += 1;
    this.waiting = [];
    this.plannedFor = Number.POSITIVE_INFINITY;
  }

  /** Leaves, and is down once it has said so. */
  leave(): void {
    const { life } = this;
    this.core.leave(this.network.now, () => {
      if (this.life === life) this.crash();
    });
    this.plan();
  }

  restart(seeds: readonly string[]): void {
    this.isUp = true;
    this.life += 1;
    this.stalledUntil = 0;
    this.plannedFor = Number.POSITIVE_INFINITY;
    this.waiting = [];
    this.core = this.born();
    this.start(seeds);
  }

  /** Does nothing for so long: no timer rings, nothing is read. */
  stall(ms: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, this.network.now + ms);
    this.network.at(this.stalledUntil, () => this.wake());
  }

  /** Runs now, or once the stall is over: timers first, then what has been received. */
  whenAwake(kind: 'timer' | 'message', run: () => void): void {
    const { life } = this;
    const current = (): void => {
      if (this.isUp && this.life === life) run();
    };
    if (this.network.now < this.stalledUntil) this.waiting.push({ kind, run: current });
    else current();
  }

  take(from: string, type: number, payload: Uint8Array): SimOutcome {
    if (this.isForeign) return { kind: 'failed', failure: 'outside', text: '' };
    const rejection = this.core.received(from, type, payload, this.network.now);
    this.plan();
    return rejection === undefined ? { kind: 'accepted' } : { kind: 'failed', failure: 'rejected', text: rejection };
  }

  answered(token: number, outcome: SimOutcome): void {
    if (outcome.kind === 'accepted') {
      this.core.delivered(token, this.network.now);
      this.plan();
    } else this.failed(token, outcome.failure, outcome.text);
  }

  failed(token: number, failure: Failure, text: string): void {
    this.core.failed(token, failure, this.network.now, text);
    this.plan();
  }

  send(to: string, type: number, payload: Uint8Array, deadline: number, token: number): void {
    this.network.carry(this, to, type, payload, deadline, token);
  }

  event(event: TopologyEvent): void {
    this.events.push(event);
    this.onEvent(event);
  }

  release(): void {}

  /** After any input: the clock rings when the machine wants it to. */
  plan(): void {
    if (!this.isUp) return;
    const next = this.core.nextDeadline();
    if (next >= this.plannedFor) return;
    this.plannedFor = next;
    this.network.at(next, () => this.whenAwake('timer', () => this.ring(next)));
  }

  private ring(time: number): void {
    if (time !== this.plannedFor) return;
    this.plannedFor = Number.POSITIVE_INFINITY;
    this.core.tick(this.network.now);
    this.plan();
  }

  private wake(): void {
    if (this.network.now < this.stalledUntil) return;
    const { waiting } = this;
    this.waiting = [];
    for (const { kind, run } of waiting) if (kind === 'timer') run();
    for (const { kind, run } of waiting) if (kind === 'message') run();
  }

  private born(): TopologyCore {
    const { network } = this;
    return new TopologyCore({
      own: this.own,
      settings: network.settings,
      world: {
        random: network.random,
        wallNow: () => EPOCH_MS + network.now - this.clockBehindMs,
        hash: quickHash,
        verifier: fakeVerifier,
      },
      signer: fakeSigner(this.own),
      sink: this,
      now: network.now,
    });
  }
}
