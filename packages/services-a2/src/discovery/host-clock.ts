/** The clock and the random numbers of a discovery: those of its host, or those of the process. */
import type { Clock } from '../port.ts';
import type { DiscoveryHost } from './discovery.ts';

/** What a source of peers takes its time and its jitter from. */
export interface Timing {
  readonly clock: Clock;
  /** From 0 to 1, 1 excluded. */
  readonly fraction: () => number;
}

export function timingOf(host: DiscoveryHost): Timing {
  const { clock = processClock, random } = host;
  return { clock, fraction: random === undefined ? Math.random : () => random() / 2 ** 32 };
}

const processClock: Clock = {
  now: () => Math.floor(performance.now()),
  startTimer: (delayMs, ring) => setTimeout(ring, delayMs),
  stopTimer: (timer) => clearTimeout(timer),
};
