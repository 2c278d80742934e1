/** Many seeds, one after the other, up to the first that breaks a rule. */
import { type SimulationResult, simulate } from './simulation.ts';
import { Situations } from './situations.ts';

export interface SeedsReport {
  readonly failed: SimulationResult | undefined;
  /** A seed that gave another trace when it ran again. */
  readonly differs: number | undefined;
  readonly calls: number;
  readonly events: number;
  /** Over the hashes of all seeds, in their order. */
  readonly hash: string;
  readonly situations: Situations;
}

/** Of so many seeds one runs twice. */
const AGAIN_EVERY = 100;

export async function runSeeds(first: number, seeds: number): Promise<SeedsReport> {
  const situations = new Situations();
  let sum = 0n;
  let calls = 0;
  let events = 0;
  let failed: SimulationResult | undefined;
  let differs: number | undefined;
  for (let seed = first; seed < first + seeds && failed === undefined; seed++) {
    const result = await simulate(seed, { situations });
    sum = BigInt.asUintN(64, (sum ^ BigInt(`0x${result.hash}`)) * 0x100_0000_01b3n);
    calls += result.calls;
    events += result.events;
    if (result.failure !== undefined) failed = result;
    else if (seed % AGAIN_EVERY === 0 && (await simulate(seed)).hash !== result.hash) differs ??= seed;
  }
  return { failed, differs, calls, events, hash: sum.toString(16).padStart(16, '0'), situations };
}
