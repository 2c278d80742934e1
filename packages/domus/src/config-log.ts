/** The warnings of the configuration, told where the rate-limited log goes. They come from the program's own calls, so no rate bounds them. */
import { logWriter } from './diagnostics.ts';
import type { LogEntry } from './options.ts';

/** `domus`: the address of the one whose configuration it is. */
export function configLog(domus: string, log: ((entry: LogEntry) => void) | undefined): (warning: string) => void {
  const write = logWriter(domus, log);
  return (detail) => write({ id: 0, label: 'config-clamped', at: Date.now(), suppressed: 0, detail });
}
