import type { BackendWorld } from './backend-world.ts';
import type { ContractImperium } from './contract-domus.ts';

/** Declares one test of the contract; it runs in an imperium of its own. */
export type ContractTest = (
  name: string,
  body: (imperium: ContractImperium, world: BackendWorld) => Promise<void>,
) => void;
