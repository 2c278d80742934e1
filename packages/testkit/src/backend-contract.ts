/**
 * The contract of every backend of A0 (TCP, Unix sockets, memory) and of the streams that it makes: what A1 relies on,
 * whoever carries its bytes. What is particular to one backend (its handshake, its limits) is tested beside it.
 *
 * Every test ends with a leak check, and with the rules that hold everywhere: nothing is told from inside a call, behind
 * `closed` or behind `destroy`; `closed` and `ended` are told once at most; every write is flushed once.
 */
import { after, before, describe, test } from 'node:test';
import type { BackendWorld } from './contract/backend-world.ts';
import { ContractImperium } from './contract/contract-domus.ts';
import type { ContractTest } from './contract/contract-test.ts';
import { describeDialling } from './contract/dialling.ts';
import { describeEnding } from './contract/ending.ts';
import { describeFlow } from './contract/flow.ts';
import { withLeakCheck } from './leak-check.ts';

/** Runs the whole contract against one kind of backend. */
export function describeBackend(name: string, openWorld: () => Promise<BackendWorld>): void {
  describe(`backend contract: ${name}`, () => {
    let world: BackendWorld;
    before(async () => {
      world = await openWorld();
    });
    after(() => world.close());

    const contract: ContractTest = (title, body) =>
      void test(
        title,
        withLeakCheck(async (cleanup) => {
          const imperium = new ContractImperium(world);
          cleanup.defer(() => imperium.close());
          await body(imperium, world);
        }),
      );
    describeDialling(contract);
    describeFlow(contract);
    describeEnding(contract);
  });
}
