// What was agreed with each peer, as connections for streams come up.
import type { Domus } from '@flaminia/domus';

export async function watchAgreed(domus: Domus, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  for await (const event of domus.reporting.events({ signal, fromStart: true })) {
    if (event.kind !== 'blob-callis-connected') continue;
    const { chunkSize, ackWindow } = event.settings;
    say(`${event.peer}: ${chunkSize} bytes × ${ackWindow}`);
  }
}
