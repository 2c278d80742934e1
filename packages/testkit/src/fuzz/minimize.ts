/** Makes inputs and corpora smaller without losing what they do. */
import type { FuzzTarget } from './target.ts';

/** Inputs that are kept for a target: every test run replays them. */
const KEPT_MOST = 400;
/** Attempts that the shrinking of one input may take. */
const ATTEMPTS_MOST = 400;
const NOTHING: ReadonlySet<string> = new Set();

/**
 * Few of these inputs, each made shorter, that together have the features of all of them, as far as there is room, and that
 * `known` have not. Those that do most come first: what the others do is mostly among it.
 */
export function minimize(
  target: FuzzTarget,
  inputs: readonly Uint8Array[],
  known: readonly Uint8Array[],
): Uint8Array[] {
  const covered = new Set<string>(known.flatMap((input) => [...featuresOf(target, input)]));
  const candidates = inputs.map((input) => ({ input, features: featuresOf(target, input) }));
  candidates.sort((a, b) => b.features.size - a.features.size || a.input.length - b.input.length);
  const kept: Uint8Array[] = [];
  for (const { input, features } of candidates) {
    const fresh = [...features].filter((feature) => !covered.has(feature));
    if (fresh.length === 0 || kept.length === KEPT_MOST) continue;
    const small = shrink(input, (shorter) => {
      const left = featuresOf(target, shorter);
      return fresh.every((feature) => left.has(feature));
    });
    kept.push(small);
    for (const feature of featuresOf(target, small)) covered.add(feature);
  }
  return kept;
}

/** Takes out ever smaller pieces as long as `holds` stays true. */
export function shrink(input: Uint8Array, holds: (shorter: Uint8Array) => boolean): Uint8Array {
  let small = input;
  let attempts = 0;
  for (let size = input.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= small.length && attempts < ATTEMPTS_MOST; attempts++) {
      const shorter = new Uint8Array(small.length - size);
      shorter.set(small.subarray(0, at));
      shorter.set(small.subarray(at + size), at);
      if (holds(shorter)) small = shorter;
      else at += size;
    }
  }
  return small;
}

function featuresOf(target: FuzzTarget, input: Uint8Array): ReadonlySet<string> {
  try {
    return new Set(target.run(input).features);
  } catch {
    return NOTHING;
  }
}
