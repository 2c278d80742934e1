/** A case: what one clause asks, as a script of small steps, and how it is played. */
import type { Transport } from './ground.ts';
import type { SubjectConfig } from './implementation.ts';
import type { Stage } from './stage.ts';

/** One line of a script. It throws where the implementation does something else than the specification says. */
export interface Step {
  readonly text: string;
  run(stage: Stage): Promise<void>;
}

export interface ConformanceCase {
  /** Unique and stable: lists of differences name it. */
  readonly id: string;
  /** The clauses of docs/protocol that it proves, each in brackets. */
  readonly clauses: string;
  readonly title: string;
  /** Settings of the implementation beside those that all cases share. */
  readonly config?: SubjectConfig;
  /** Needs an implementation of its own, since it ends it. */
  readonly alone?: true;
  /** Only where it is meaningful; default both. */
  readonly transports?: readonly Transport[];
  /** What the specification says must happen; the script conforms if every step of it does. */
  readonly script: readonly Step[];
}

export type Verdict =
  | { readonly kind: 'conforms' }
  /** `step` is the line of the script at which the implementation differs, and `why` what it did. */
  | { readonly kind: 'differs'; readonly step: string; readonly why: string };

/** Plays the script to its end, or to the first step that is not met. */
export async function play(script: readonly Step[], stage: Stage): Promise<Verdict> {
  for (const { text, run } of script) {
    try {
      await run(stage);
    } catch (error) {
      return { kind: 'differs', step: text, why: error instanceof Error ? error.message : String(error) };
    }
  }
  return { kind: 'conforms' };
}
