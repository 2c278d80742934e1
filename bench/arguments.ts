/** The command line of the harness. */
import { parseArgs } from 'node:util';
import { PLANS, type Plan, selectPlans } from './plan.ts';
import { SCENARIOS } from './scenarios.ts';

/** How often and how long each plan runs. */
export interface Settings {
  readonly plans: readonly Plan[];
  /** Names of {@link SCENARIOS}. */
  readonly scenarios: readonly string[];
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** A quick run is for a look while working: its figures are not to be published. */
  readonly quick: boolean;
  /** Where to write every trial as JSON; undefined: nowhere. */
  readonly json: string | undefined;
}

/** The text of `--help`. */
export const USAGE = `npm run bench -- [--only NAME]... [--rounds N] [--quick] [--json FILE]

  --only NAME   a scenario (p2p-4096), a family of them (p2p, domus-tls) or a group (services); repeat it or separate
                names by commas. Beside the plans: provider-loss (one of three providers is killed under load), fifty (fifty
                nodes on this machine) and stream-memory (what streams hold while nobody reads)
  --rounds N    interleaved rounds, 1..100 (default 5, with --quick 1)
  --quick       0.7 s of warm-up and 1.3 s of measuring instead of 5 s and 5 s, and disturbed trials count
  --json FILE   writes the machine and every single trial to FILE`;

/** Parses the arguments behind the script's name; throws an Error that names the wrong one. */
export function parseSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds must be 1..100, got ${values.rounds}`);
  }
  const only = values.only.flatMap((names) => names.split(','));
  const ofPlans = only.filter((name) => !SCENARIOS.has(name));
  return {
    plans: only.length === 0 ? PLANS : ofPlans.length === 0 ? [] : selectPlans(ofPlans),
    scenarios: [...SCENARIOS.keys()].filter((name) => only.length === 0 || only.includes(name)),
    rounds,
    warmUpMs: values.quick ? 700 : 5_000,
    windowMs: values.quick ? 1_300 : 5_000,
    quick: values.quick,
    json: values.json,
  };
}
