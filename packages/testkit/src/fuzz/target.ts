/** What the fuzzer drives: a piece of the product that takes bytes from strangers, and how its inputs are built. */
import type { Random } from '../sim/random.ts';
import type { Layout } from './layout.ts';

/** What one execution came to. An execution that broke a promise has no outcome: it throws. */
export interface Outcome {
  /** One of few words, counted and shown: how the product judged the input. */
  readonly verdict: string;
  /** What the execution did. An input that brings one never seen before joins the corpus. */
  readonly features: readonly string[];
}

export interface FuzzTarget {
  readonly name: string;
  /** Longest input that the mutator makes. */
  readonly maxBytes: number;
  /** Known good inputs: golden bytes and what is written by hand. */
  seeds(): readonly Uint8Array[];
  /** A fresh input, valid or nearly so; undefined where nothing is generated. */
  readonly generate?: (random: Random) => Uint8Array;
  /** The structure of an input, as far as it has one. Must not throw on any bytes. */
  layout(input: Uint8Array): Layout;
  /** Bytes that mean something to the parser, where they stand. */
  readonly words: readonly Uint8Array[];
  /** Whole units, that may stand in the place of another or beside it. */
  readonly parts: readonly Uint8Array[];
  /** A unit may be left out or repeated, and the rest stays what it was. */
  readonly unitsAreFree: boolean;
  /**
   * Gives the input to the product. Throws where a promise is broken: whatever escapes here is a failure, be it of the
   * product itself or a {@link Broken} of the checks. Leaves the input as it was.
   */
  run(input: Uint8Array): Outcome;
}
