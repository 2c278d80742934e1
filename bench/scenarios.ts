/** What is measured by processes that do as they are told, in place of a rate: not one trial a plan. */
import type { Credentials } from './credentials.ts';
import { fifty } from './scenarios/fifty.ts';
import type { Figure } from './scenarios/figure.ts';
import { providerLoss } from './scenarios/provider-loss.ts';
import { streamMemory } from './scenarios/stream-memory.ts';

/** Starts its processes, measures, and leaves none of them. */
export type Scenario = (credentials: Credentials) => Promise<readonly Figure[]>;

/** By the names that `--only` takes. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['provider-loss', (credentials) => providerLoss(credentials)],
  ['fifty', (credentials) => fifty(credentials)],
  ['stream-memory', (credentials) => streamMemory(credentials)],
]);
