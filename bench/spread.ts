/** Order statistics of small samples. */

/** The middle of a sample and its ends. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median (the mean of the middle two where their number is even), least and greatest of a non-empty sample. */
export function spreadOf(sample: readonly number[]): Spread {
  const sorted = [...sample].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  const min = sorted[0];
  const max = sorted[sorted.length - 1];
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new Error('an empty sample has no median');
  }
  return { median: (low + high) / 2, min, max };
}

/** The value at nearest rank: the least one that at least `percent` of a non-empty ascending sample do not exceed. */
export function percentile(ascending: ArrayLike<number>, percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * ascending.length));
  const value = ascending[rank - 1];
  if (value === undefined) throw new Error('an empty sample has no percentile');
  return value;
}
