/**
 * The child process of the mutation gate. For each mutant that its parent names it loads the simulator once more, with the bug
 * in it (`hook.mjs`), and simulates seeds until one breaks a rule. Without a name it is the control run.
 */

/** A seed, and how many events it has. */
export type SeedRun = readonly [seed: number, events: number];

/** The folder of the simulator that hunts. */
export type SimulatorName = 'sim' | 'calls-sim';

/** What to hunt: a mutant, or nothing, on these seeds in their order. */
export interface Hunt {
  readonly simulator: SimulatorName;
  readonly mutant: string | undefined;
  readonly seeds: readonly SeedRun[];
}

export interface Catch {
  /** The seed that broke a rule; undefined where none did. */
  readonly seed: SeedRun | undefined;
  /** Seeds that were run, that one included. */
  readonly tried: number;
  /** What broke, as the oracle says it. */
  readonly found: string;
}

type Result = { readonly failure: Error | undefined };

interface Simulator {
  readonly simulate: (seed: number, options: { readonly events: number }) => Result | Promise<Result>;
}

// Only the message of what broke is told.
Error.stackTraceLimit = 0;
process.on('message', (hunt: Hunt) => void run(hunt).then((caught) => process.send!(caught)));

async function run({ simulator: folder, mutant, seeds }: Hunt): Promise<Catch> {
  const mark = mutant === undefined ? '' : `?mutant=${mutant}`;
  const loaded: unknown = await (folder === 'sim'
    ? import(`../sim/simulation.ts${mark}`)
    : import(`../calls-sim/simulation.ts${mark}`));
  const simulator = loaded as Simulator;
  let tried = 0;
  for (const seed of seeds) {
    tried++;
    const { failure } = await simulator.simulate(seed[0], { events: seed[1] });
    if (failure !== undefined) return { seed, tried, found: String(failure) };
  }
  return { seed: undefined, tried, found: '' };
}
