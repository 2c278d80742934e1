// The errors since the last call, for a program that asks from time to time.
import type { Domus } from '@flaminia/domus';

export function errorCollector(domus: Domus): () => string[] {
  let seq = 0;
  return () => {
    const { errors, lost, next } = domus.reporting.errorsSince(seq);
    seq = next;
    const lines = errors.map(({ event, peer, error }) => `${event} ${peer ?? ''}: ${error.message}`);
    return lost === 0 ? lines : [`${lost} errors are gone`, ...lines];
  };
}
