/** Hosts for discoveries under test, and what tests read of their changes. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from '../../src/discovery/discovery.ts';
import type { Clock } from '../../src/port.ts';

/** A host whose announcement the test can change. */
export interface TestHost extends DiscoveryHost {
  announced: DiscoveredPeer;
}

export function testPeer(address: DomusAddr, rest: Partial<DiscoveredPeer> = {}): DiscoveredPeer {
  return { address, nodeId: undefined, nodeType: undefined, services: [], health: 'unknown', metadata: {}, ...rest };
}

export function testHost(address: DomusAddr, rest: Partial<DiscoveredPeer> = {}, clock?: Clock): TestHost {
  return {
    address,
    announced: testPeer(address, rest),
    announcement() {
      return this.announced;
    },
    ...(clock === undefined ? {} : { clock, random: () => 2 ** 31 }),
  };
}

/** All changes of a discovery so far, as short texts; the list grows while the test goes on. */
export function watched(discovery: Discovery): string[] {
  const texts: string[] = [];
  void read(discovery.changes(), texts);
  return texts;
}

async function read(changes: AsyncIterable<DiscoveryChange>, into: string[]): Promise<void> {
  for await (const change of changes) into.push(textOf(change));
  into.push('end');
}

function textOf(change: DiscoveryChange): string {
  if (change.kind === 'degraded') return `degraded: ${change.reason}`;
  return change.kind === 'restored' ? 'restored' : `${change.kind} ${change.peer.address}`;
}
