// What a domus (node) has done since it was asked last: for any number of pollers, each with a memory of its own.
import { type Domus, metricsDelta } from '@flaminia/domus';

export function rateMeter(domus: Domus): () => string {
  let previous = domus.reporting.snapshot();
  return () => {
    const current = domus.reporting.snapshot();
    const { a3, sends, intervalMs } = metricsDelta(previous, current);
    previous = current;
    const perSecond = intervalMs === 0 ? 0 : (a3.messagesOut * 1_000) / intervalMs;
    return `${perSecond.toFixed(0)} messages/s out, failed: ${JSON.stringify(sends.failed)}`;
  };
}
