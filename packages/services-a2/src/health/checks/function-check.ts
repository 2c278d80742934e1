import { outOfRange } from '@flaminia/transport-a0';
import type { HealthCheck } from '../health-check.ts';

/** A check of one's own: fails where the function throws, rejects or answers `false`. */
export function functionCheck(check: HealthCheck): HealthCheck {
  if (typeof check !== 'function') throw outOfRange('check', 'a function', check);
  return (signal) => check(signal);
}
