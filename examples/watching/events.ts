// Everything that happens to a domus (node), from its opening on; ends with the signal, or with the domus.
import type { Domus } from '@flaminia/domus';

export async function watchEvents(domus: Domus, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  for await (const event of domus.reporting.events({ signal, fromStart: true })) {
    if (event.kind === 'events-lost') say(`${event.count} events were too fast`);
    else if (event.kind === 'peer-connected') say(`${event.peer} is connected`);
    else if (event.kind === 'handler-failed') say(`${event.taberna.name}: ${event.error.message}`);
    else say(event.kind);
  }
}
