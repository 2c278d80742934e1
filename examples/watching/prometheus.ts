// The counters of a domus (node) as the text that Prometheus reads, for any server of HTTP to give.
import type { DomusMetrics } from '@flaminia/domus';

/** They hold a number for each kind of error, such as `taberna-busy`, which becomes a label. */
const BY_KIND = new Set(['flaminia_sends_failed', 'flaminia_rejections_sent', 'flaminia_rejections_received']);

export function prometheusText({ sendLatency, ...counters }: DomusMetrics): string {
  const lines = numbersIn('flaminia', counters);
  const bounds = [...sendLatency.boundsMs.map((ms) => ms / 1_000), '+Inf'];
  let below = 0;
  for (const [bucket, bound] of bounds.entries()) {
    below += sendLatency.counts[bucket]!;
    lines.push(`flaminia_send_seconds_bucket{le="${bound}"} ${below}`);
  }
  lines.push(`flaminia_send_seconds_sum ${sendLatency.sumMs / 1_000}`, `flaminia_send_seconds_count ${below}`);
  return `# TYPE flaminia_send_seconds histogram\n${lines.join('\n')}\n`;
}

function numbersIn(name: string, value: object): string[] {
  return Object.entries(value).flatMap(([field, inner]) => {
    if (typeof inner === 'object') return numbersIn(`${name}_${snakeCase(field)}`, inner);
    return [BY_KIND.has(name) ? `${name}{kind="${field}"} ${inner}` : `${name}_${snakeCase(field)} ${inner}`];
  });
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
