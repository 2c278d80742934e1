/**
 * Makes a failing seed small: fewer kinds of faults, fewer nodes, less work, fewer events, as long as the same rule breaks.
 * Each step changes what chance brings, so a candidate is tried with some other seeds too.
 */
import type { FaultWeights, Swarm } from './swarm.ts';

/** A run, and what it is to break. */
export interface Candidate {
  readonly swarm: Swarm;
  readonly events: number;
  readonly seed: number;
}

/** Runs a candidate; says what broke, or undefined. */
export type Trial = (candidate: Candidate) => string | undefined;

/** Other seeds that a candidate is tried with. */
const OTHER_SEEDS = 12;
const FEWEST_EVENTS = 20;

/** What a swarm can do without, in the order in which it is tried. */
const SIMPLER: readonly ((swarm: Swarm) => Partial<Swarm>)[] = [
  () => ({ nodes: 2 }),
  () => ({ blobs: 0 }),
  () => ({ unfriendly: 0 }),
  () => ({ a0Failure: 0 }),
  () => ({ nudges: false }),
  () => ({ poisons: false }),
  () => ({ wraps: false }),
  () => ({ repeatsIds: false }),
  () => ({ clocksDiffer: false }),
  () => ({ ending: 'shutdown amid faults' }),
  ({ burstMost }) => ({ burstMost: Math.ceil(burstMost / 2) }),
  ({ burstMost }) => ({ burstMost: Math.ceil(burstMost / 4) }),
  ({ payloadMost }) => ({ payloadMost: Math.floor(payloadMost / 2) }),
  () => ({ payloadMost: 0 }),
  ({ streams }) => ({ streams: Math.ceil(streams / 2) }),
  ({ streamMost }) => ({ streamMost: Math.ceil(streamMost / 4) }),
  ({ sendEvery }) => ({ sendEvery: sendEvery * 4 }),
];

/** The smallest run found that breaks the same. `told` hears of each that is smaller than the one before. */
export function shrink(start: Candidate, trial: Trial, told: (text: string) => void = () => {}): Candidate {
  const broken = trial(start);
  if (broken === undefined) throw new Error(`seed ${start.seed} breaks nothing`);
  let best = fewerEvents(start, broken, trial, told);
  for (const kind of Object.keys(best.swarm.faults) as (keyof FaultWeights)[]) {
    if (best.swarm.faults[kind] === 0) continue;
    const faults = { ...best.swarm.faults, [kind]: 0 };
    best = tried({ ...best, swarm: { ...best.swarm, faults } }, broken, trial, told, `no ${kind}`) ?? best;
  }
  for (const simpler of SIMPLER) {
    const less = simpler(best.swarm);
    if (isSame(best.swarm, less)) continue;
    best = tried({ ...best, swarm: { ...best.swarm, ...less } }, broken, trial, told, JSON.stringify(less)) ?? best;
  }
  return fewerEvents(best, broken, trial, told);
}

/** Halves what is between the events that do not suffice and those that do. */
function fewerEvents(start: Candidate, broken: string, trial: Trial, told: (text: string) => void): Candidate {
  let best = start;
  let tooFew = FEWEST_EVENTS - 1;
  while (best.events - tooFew > Math.max(1, best.events >> 5)) {
    const events = (best.events + tooFew) >> 1;
    const smaller = tried({ ...best, events }, broken, trial, told, `${events} events`);
    if (smaller === undefined) tooFew = events;
    else best = smaller;
  }
  return best;
}

function tried(
  candidate: Candidate,
  broken: string,
  trial: Trial,
  told: (text: string) => void,
  what: string,
): Candidate | undefined {
  for (let other = 0; other <= OTHER_SEEDS; other++) {
    const one = other === 0 ? candidate : { ...candidate, seed: other };
    if (trial(one) !== broken) continue;
    told(`${what}: seed ${one.seed} still breaks ${broken}`);
    return one;
  }
  return undefined;
}

function isSame(swarm: Swarm, part: Partial<Swarm>): boolean {
  return Object.entries(part).every(([key, value]) => swarm[key as keyof Swarm] === value);
}
