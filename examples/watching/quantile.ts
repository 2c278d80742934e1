// The bound below which a share of the sends stayed, in milliseconds: `quantile(sendLatency, 0.99)`.
import type { HistogramMetrics } from '@flaminia/domus';

export function quantile({ boundsMs, counts, count }: HistogramMetrics, share: number): number | undefined {
  if (count === 0) return undefined;
  let below = 0;
  for (const [bucket, bound] of boundsMs.entries()) {
    below += counts[bucket]!;
    if (below >= share * count) return bound;
  }
  return Number.POSITIVE_INFINITY;
}
