// Who is there, and what changes.
import type { Imperium } from '@flaminia/domus/services';

export function whoOffers({ topology }: Imperium, name: string): string[] {
  return topology.byService(name).map(({ nodeId, address, health }) => `${nodeId} at ${address} is ${health}`);
}

export async function watchNodes(
  { topology }: Imperium,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const change of topology.changes({ signal })) {
    if (change.kind === 'missed') say(`${change.count} changes were too fast: read nodes() again`);
    else if ('node' in change) say(`${change.node.nodeId}: ${change.kind}`);
  }
}
