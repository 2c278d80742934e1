/** Waiting in tests without sleeping: for a state that some event will bring about. */
import { setImmediate as turn } from 'node:timers/promises';

/** How long a state may take to come, in milliseconds; only a test that fails ever waits so long. */
const PATIENCE_MS = 120_000;

/** Looks once in every turn of the event loop; rejects when patience is at its end, naming `what` did not come. */
export async function until(reached: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!reached()) {
    if (performance.now() >= end) throw new Error(`waited in vain for ${what}`);
    await turn();
  }
}

/** Lets so many turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
