/** Makes inputs out of inputs: seeded, so that the same seed over the same corpus makes the same inputs. */
import type { Random } from '../sim/random.ts';
import type { Layout } from './layout.ts';
import { CAREFUL, MUTATIONS, type Source } from './mutations.ts';
import type { FuzzTarget } from './target.ts';

/** Percent of inputs that are generated instead of taken from the corpus. */
const GENERATED_PERCENT = 10;
/** Percent of inputs that keep to the layout. */
const CAREFUL_PERCENT = 60;
/** Most changes of one input. */
const CHANGES_MOST = 6;

export class Mutator implements Source {
  readonly random: Random;
  readonly target: FuzzTarget;
  isCareful = false;
  private readonly corpus: readonly Uint8Array[];
  /** Inputs of the corpus are taken again and again, and one change asks several times. */
  private readonly layouts = new WeakMap<Uint8Array, Layout>();

  /** `corpus` may grow from outside. */
  constructor(target: FuzzTarget, corpus: readonly Uint8Array[], random: Random) {
    this.target = target;
    this.corpus = corpus;
    this.random = random;
  }

  /** The next input. */
  next(): Uint8Array {
    const { random, target } = this;
    this.isCareful = random.chance(CAREFUL_PERCENT);
    const mutations = this.isCareful ? CAREFUL : MUTATIONS;
    let input = this.other();
    for (let changes = random.skewed(1, CHANGES_MOST); changes > 0; changes--) {
      const changed = random.pick(mutations)(input, this);
      // Of nothing, nothing more is made.
      if (changed.length > 0 && changed.length <= target.maxBytes) input = changed;
    }
    return input;
  }

  layoutOf(input: Uint8Array): Layout {
    let layout = this.layouts.get(input);
    if (layout === undefined) {
      layout = this.target.layout(input);
      this.layouts.set(input, layout);
    }
    return layout;
  }

  other(): Uint8Array {
    const { random, target, corpus } = this;
    if (target.generate !== undefined && (corpus.length === 0 || random.chance(GENERATED_PERCENT))) {
      return target.generate(random);
    }
    return corpus.length === 0 ? new Uint8Array(0) : random.pick(corpus);
  }
}
