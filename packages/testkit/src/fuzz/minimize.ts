/** Makes inputs and corpora smaller without losing what they do. */
import type { FuzzTarget } from './target.ts';

/** Attempts that the shrinking of one input may take. */
const ATTEMPTS_MOST = 400;
const NOTHING: ReadonlySet<string> = new Set();

/** The fewest of these inputs, each made shorter, that have the features of all of them and that `known` have not. */
export function minimize(
  target: FuzzTarget,
  inputs: readonly Uint8Array[],
  known: readonly Uint8Array[],
): Uint8Array[] {
  const covered = new Set<string>(known.flatMap((input) => [...featuresOf(target, input)]));
  const shortestFirst = [...inputs].sort((a, b) => a.length - b.length);
  const kept: Uint8Array[] = [];
  for (const input of shortestFirst) {
    const fresh = [...featuresOf(target, input)].filter((feature) => !covered.has(feature));
    if (fresh.length === 0) continue;
    const small = shrink(input, (shorter) => {
      const features = featuresOf(target, shorter);
      return fresh.every((feature) => features.has(feature));
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
