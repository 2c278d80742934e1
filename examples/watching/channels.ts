// The log of every domus (node) of this process, without a reference to any of them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DiagnosticsLog } from '@flaminia/domus';

export function watchLog(say: (line: string) => void): () => void {
  const listener = (message: unknown): void => {
    const { domus, entry } = message as DiagnosticsLog;
    say(`${domus} ${entry.id} ${entry.label}, ${entry.suppressed} left out`);
  };
  subscribe('flaminia:log', listener);
  return () => void unsubscribe('flaminia:log', listener);
}
