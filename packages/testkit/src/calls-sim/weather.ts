/** What one seed is like: how many nodes, how they are set, and which faults come how often. */
import type { Random } from '../sim/random.ts';
import { PROCEDURES, type ProcedureName } from './work-service.ts';

/** Faults and how often each comes, beside the others. */
export type Fault = 'lose' | 'part' | 'crash' | 'leave' | 'withdraw' | 'sleep' | 'wall' | 'heal';

export interface Weather {
  readonly nodes: number;
  /** No fault of the world at all: then each call ends as its plan says. */
  readonly isCalm: boolean;
  readonly faults: readonly Fault[];
  /** Of a hundred steps of the programs so many are faults. */
  readonly faultPercent: number;
  readonly calls: number;
  /** Of most calls; undefined: none is called more often than the others. */
  readonly favourite: ProcedureName | undefined;
  /** Longest pause between two steps. */
  readonly gapMs: number;
  /** Of arrivals that find no room in their taberna. */
  busyPercent: number;
  readonly slowestMs: number;
  readonly laneMessages: number;
  readonly maxPayloadBytes: number;
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly maxPending: number;
  readonly callWindowBytes: number;
  readonly inputWindowBytes: number;
  readonly hedgeAfterMs: number | undefined;
  readonly ejectAfter: number;
  readonly minProviders: number;
  readonly largestItemBytes: number;
  /** The faults are over. */
  isOver: boolean;
  delayMs(chance: Random): number;
}

const FAULTS: readonly Fault[] = ['lose', 'part', 'crash', 'leave', 'withdraw', 'sleep', 'wall'];

export function drawWeather(chance: Random): Weather {
  const isCalm = chance.chance(20);
  const faults = FAULTS.filter(() => chance.chance(50));
  const weather: Weather = {
    nodes: chance.between(2, 4),
    isCalm,
    faults: faults.includes('part') ? [...faults, 'heal'] : faults,
    faultPercent: isCalm || faults.length === 0 ? 0 : chance.between(2, 40),
    calls: chance.skewed(5, 60),
    favourite: chance.chance(30) ? chance.pick(PROCEDURES) : undefined,
    gapMs: chance.pick([0, 5, 50, 500, 3_000]),
    busyPercent: isCalm || chance.chance(60) ? 0 : chance.skewed(1, 60),
    slowestMs: chance.pick([1, 10, 100, 1_500]),
    laneMessages: chance.pick([1, 4, 128]),
    maxPayloadBytes: isCalm || chance.chance(70) ? 2 ** 21 : chance.between(2_000, 60_000),
    concurrency: chance.pick([1, 2, 8, 64]),
    maxWaiting: isCalm ? 1_024 : chance.pick([0, 1, 8, 1_024]),
    maxPending: isCalm || chance.chance(80) ? 65_536 : chance.between(1, 6),
    callWindowBytes: chance.pick([1_024, 4_096, 262_144, 4_194_304]),
    inputWindowBytes: chance.pick([65_536, 262_144, 4_194_304]),
    hedgeAfterMs: chance.pick([undefined, undefined, chance.skewed(1, 3_000), chance.between(300, 3_000)]),
    ejectAfter: chance.pick([0, 1, 3]),
    minProviders: isCalm ? 1 : chance.pick([0, 1, 1, 1, 2]),
    largestItemBytes: chance.pick([10, 500, 5_000, 70_000]),
    isOver: false,
    delayMs: (of) => of.skewed(0, weather.slowestMs * 10) / 10,
  };
  return weather;
}
