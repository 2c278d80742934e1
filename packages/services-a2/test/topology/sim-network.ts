/**
 * A network of topology machines under a virtual clock: seeded delays, loss, partitions, crashes, and nodes that stall. A message is
 * accepted by its receiver, or fails for its sender at its deadline, as A1 does it.
 */
import { EventHeap } from '@flaminia/testkit';
import { DomusError } from '@flaminia/transport-a0';
import { resolveTopologySettings, type TopologySettings } from '../../src/topology/core/settings.ts';
import type { OwnNode } from '../../src/topology/core/topology-core.ts';
import { SimNode } from './sim-node.ts';
import { OVERHEAD_BYTES, type SimSender, type SimWorld } from './sim-world.ts';

export interface SimOptions {
  readonly seed: number;
  readonly settings?: Partial<TopologySettings>;
  /** One way, uniformly between these. */
  readonly delayMs?: readonly [least: number, most: number];
  /** The share of messages, and of their acceptances, that get lost. */
  readonly loss?: number;
}

export class SimNetwork implements SimWorld {
  now = 0;
  readonly settings: TopologySettings;
  readonly nodes: Map<string, SimNode> = new Map();
  readonly seed: number;
  messages = 0;
  bytes = 0;
  private readonly heap = new EventHeap<() => void>();
  private readonly delayMs: readonly [number, number];
  private loss: number;
  private state: number;
  /** The side of each address, while the network is split. */
  private sides: ((address: string) => number) | undefined = undefined;

  constructor({ seed, settings, delayMs = [1, 20], loss = 0 }: SimOptions) {
    this.seed = seed;
    this.state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
    this.settings = resolveTopologySettings(settings);
    this.delayMs = delayMs;
    this.loss = loss;
  }

  /** A random u32 (xorshift). */
  random = (): number => {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  };

  chance(share: number): boolean {
    return this.random() < share * 0x1_0000_0000;
  }

  between(least: number, most: number): number {
    return least + (this.random() % (most - least + 1));
  }

  add(index: number, own: Partial<OwnNode> = {}): SimNode {
    const node = new SimNode(this, ownNode(index, own));
    this.nodes.set(node.address, node);
    return node;
  }

  /** Nodes that all know each other's records, and look for links when the clock runs. */
  addFormed(count: number, own: (index: number) => Partial<OwnNode> = () => ({})): SimNode[] {
    const nodes = Array.from({ length: count }, (_, index) => this.add(index, own(index)));
    for (const node of nodes) {
      for (const other of nodes) node.core.membership.table.put(other.core.membership.own, 0);
      node.start([]);
    }
    return nodes;
  }

  at(time: number, run: () => void): void {
    this.heap.push(Math.max(time, this.now), run);
  }

  runUntil(time: number): void {
    for (let next = this.heap.nextTime(); next <= time; next = this.heap.nextTime()) {
      this.now = next;
      this.heap.pop()();
    }
    this.now = time;
  }

  run(ms: number): void {
    this.runUntil(this.now + ms);
  }

  /** Runs until something holds, looking every `stepMs`; the time that took, or an error with the seed. */
  runUntilTrue(holds: () => boolean, limitMs: number, stepMs = 50): number {
    const begin = this.now;
    while (!holds()) {
      if (this.now - begin > limitMs) {
        throw new DomusError('receive-timeout', `seed ${this.seed}: not within ${limitMs} ms of virtual time`);
      }
      this.run(stepMs);
    }
    return this.now - begin;
  }

  split(sides: (address: string) => number): void {
    this.sides = sides;
  }

  mend(): void {
    this.sides = undefined;
  }

  setLoss(loss: number): void {
    this.loss = loss;
  }

  carry(from: SimSender, to: string, type: number, payload: Uint8Array, deadline: number, token: number): void {
    this.messages += 1;
    from.sentMessages += 1;
    from.sentBytes += payload.length + OVERHEAD_BYTES;
    this.bytes += payload.length + OVERHEAD_BYTES;
    let isSettled = false;
    const settle = (run: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      run();
    };
    // The timer of A1; one that a stalled sender could not serve rings when it wakes.
    this.at(deadline, () => from.whenAwake('timer', () => settle(() => from.failed(token, 'unreachable', ''))));
    if (this.isLost(from.address, to)) return;
    this.at(this.now + this.delay(), () => {
      const target = this.nodes.get(to);
      if (target === undefined || !target.isUp) return;
      target.whenAwake('message', () => {
        const outcome = target.take(from.address, type, payload);
        if (this.isLost(to, from.address)) return;
        this.at(this.now + this.delay(), () => {
          from.whenAwake('message', () => settle(() => from.answered(token, outcome)));
        });
      });
    });
  }

  private isLost(from: string, to: string): boolean {
    if (this.sides !== undefined && this.sides(from) !== this.sides(to)) return true;
    return this.loss > 0 && this.chance(this.loss);
  }

  private delay(): number {
    return this.between(this.delayMs[0], this.delayMs[1]);
  }
}

export function addressOf(index: number): `tcp://${string}` {
  return `tcp://10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:7000`;
}

export function nodeIdOf(index: number): string {
  return `node-${index}`;
}

function ownNode(index: number, own: Partial<OwnNode>): OwnNode {
  return {
    nodeId: nodeIdOf(index),
    nodeType: 'worker',
    address: addressOf(index),
    health: 'healthy',
    services: ['identity/v1'],
    tabernae: [],
    metadata: {},
    ...own,
  };
}
