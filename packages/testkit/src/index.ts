/** The door for tests of all packages: what checks them at their end, and the contract that every backend keeps. */
export { describeBackend } from './backend-contract.ts';
export type { BackendSeat, BackendWorld } from './contract/backend-world.ts';
export { EventHeap } from './event-heap.ts';
export { FaultPlan } from './faulty-stream.ts';
export { FROM_SOURCE } from './from-source.ts';
export {
  activeResources,
  type Cleanup,
  expectNoMoreThan,
  leakCheck,
  type Resources,
  withLeakCheck,
} from './leak-check.ts';
export { Random } from './sim/random.ts';
export { turns, until } from './until.ts';
