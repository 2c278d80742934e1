/**
 * One run of the fuzzer over one target: the corpus first as it is, then inputs made from it, until the executions are
 * used up, the time is over, or a promise is broken.
 *
 * 1. The same seed over the same corpus gives the same executions, as far as it gets.
 * 2. Most inputs end in an error, and its stack costs more than all the rest: so there is none, but for a failure.
 * 3. An input with a feature that no other had joins the corpus, up to a limit.
 */
import { Random } from '../sim/random.ts';
import { hashOf } from './hash.ts';
import { Mutator } from './mutator.ts';
import type { FuzzTarget } from './target.ts';

/** Inputs that the corpus may hold in memory. */
const CORPUS_MOST = 20_000;
/** How often an execution that seems slow is measured again. */
const MEASURED = 5;

export interface CampaignOptions {
  readonly seed: number;
  readonly executions: number;
  /** Inputs beside the seeds of the target. */
  readonly corpus: readonly Uint8Array[];
  /** Asked every so often; true ends the campaign. */
  readonly isOver?: () => boolean;
  /** Told before each execution. */
  readonly begins?: (execution: number, input: Uint8Array) => void;
  /** An execution that takes longer every time that it is measured is a failure. Milliseconds; unlimited by default. */
  readonly longestMs?: number;
}

export interface CampaignFailure {
  readonly execution: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface CampaignResult {
  readonly executions: number;
  /** How often each verdict was given. */
  readonly verdicts: ReadonlyMap<string, number>;
  readonly features: number;
  readonly corpusSize: number;
  /** Inputs that brought something new, in the order in which they came. */
  readonly found: readonly Uint8Array[];
  /** Bytes of the mean input. */
  readonly meanBytes: number;
  readonly slowestMs: number;
  readonly failure: CampaignFailure | undefined;
}

export function campaign(target: FuzzTarget, options: CampaignOptions): CampaignResult {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  let result: CampaignResult;
  try {
    result = new Campaign(target, options).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return result.failure === undefined ? result : { ...result, failure: withStack(target, result.failure) };
}

/** Runs the input again; where it passes now, the first error has to do. */
function withStack(target: FuzzTarget, failure: CampaignFailure): CampaignFailure {
  try {
    target.run(failure.input);
    return failure;
  } catch (error) {
    return { ...failure, error };
  }
}

class Campaign {
  private readonly target: FuzzTarget;
  private readonly options: CampaignOptions;
  private readonly corpus: Uint8Array[];
  private readonly mutator: Mutator;
  private readonly verdicts = new Map<string, number>();
  private readonly features = new Set<string>();
  private readonly found: Uint8Array[] = [];
  private executions = 0;
  private bytes = 0;
  private slowestMs = 0;
  private failure: CampaignFailure | undefined = undefined;

  constructor(target: FuzzTarget, options: CampaignOptions) {
    this.target = target;
    this.options = options;
    this.corpus = [...target.seeds(), ...options.corpus];
    // Each target has numbers of its own, whatever ran before it.
    const random = new Random(options.seed * 0x1_0000_0000 + hashOf(Buffer.from(target.name)));
    this.mutator = new Mutator(target, this.corpus, random);
  }

  run(): CampaignResult {
    const known = this.corpus.length;
    for (let i = 0; i < known && this.failure === undefined; i++) this.execute(this.corpus[i]!);
    while (this.goesOn()) {
      const input = this.mutator.next();
      if (!this.execute(input)) continue;
      this.found.push(input);
      if (this.corpus.length < CORPUS_MOST) this.corpus.push(input);
    }
    const { executions, verdicts, found, slowestMs, failure } = this;
    const meanBytes = this.bytes / Math.max(1, executions);
    const corpusSize = this.corpus.length;
    return { executions, verdicts, features: this.features.size, corpusSize, found, meanBytes, slowestMs, failure };
  }

  private goesOn(): boolean {
    if (this.failure !== undefined || this.executions >= this.options.executions) return false;
    return this.executions % 64 !== 0 || this.options.isOver?.() !== true;
  }

  /** Runs one input; true where it did something new. */
  private execute(input: Uint8Array): boolean {
    const execution = this.executions++;
    this.bytes += input.length;
    this.options.begins?.(execution, input);
    try {
      const began = performance.now();
      const { verdict, features } = this.target.run(input);
      this.noteTime(performance.now() - began, input);
      this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
      const before = this.features.size;
      for (const feature of features) this.features.add(feature);
      return this.features.size > before;
    } catch (error) {
      this.failure = { execution, input, error };
      return false;
    }
  }

  /** Other programs share the machine: what seems slower than all before is run again, and then its own processor time counts. */
  private noteTime(tookMs: number, input: Uint8Array): void {
    const { longestMs = Number.POSITIVE_INFINITY } = this.options;
    let least = tookMs;
    for (let i = 0; i < MEASURED && least > this.slowestMs; i++) {
      const before = process.cpuUsage();
      this.target.run(input);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    if (least > longestMs) throw new Error(`an input of ${input.length} bytes takes ${least.toFixed(0)} ms`);
    this.slowestMs = Math.max(this.slowestMs, least);
  }
}
