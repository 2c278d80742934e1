/** Nodes with a topology over A1 in memory, on a clock that the test moves. */
import type { TestContext } from 'node:test';
import type { Domus } from '@flaminia/domus';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { watchedEnd } from '@flaminia/testkit/internal';
import { Topology, type TopologyOptions } from '../../src/topology/topology.ts';
import { unsignedRecords } from '../../src/topology/unsigned-records.ts';

export interface Members {
  readonly world: MemoryImperium;
  /** Opens a domus with a topology that is not started yet. */
  add(nodeId: string, options?: Partial<TopologyOptions>): Promise<Member>;
  /** Moves the clock until a promise has settled. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Moves the clock until something holds. */
  until(holds: () => boolean): Promise<void>;
}

export interface Member {
  readonly domus: Domus;
  readonly topology: Topology;
}

export function members(t: TestContext): Members {
  const world = memoryImperium();
  const end = watchedEnd(world);
  const topologies: Topology[] = [];
  t.after(async () => {
    for (const topology of topologies) topology.stop();
    await end();
  });
  return {
    world,
    add: async (nodeId, options = {}) => {
      const domus = await world.domus(nodeId, { nodeType: 'worker' });
      const topology = new Topology({ port: domus.port, ...unsignedRecords, ...options });
      topologies.push(topology);
      return { domus, topology };
    },
    wait: async (promise) => {
      let isSettled = false;
      const note = (): void => {
        isSettled = true;
      };
      promise.then(note, note);
      for (let step = 0; step < 2_000 && !isSettled; step++) await world.advance(50);
      return await promise;
    },
    until: async (holds) => {
      for (let step = 0; step < 2_000; step++) {
        if (holds()) return;
        await world.advance(100);
      }
      throw new Error('it never came to hold');
    },
  };
}

/** Ids of the nodes that a topology lists. */
export function ids(topology: Topology): string[] {
  return topology.nodes().map(({ nodeId }) => nodeId);
}
