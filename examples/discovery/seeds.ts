// The topology, which is always there: one or two addresses to join by, or a source of them.
import type { AuthSource, DomusAddr } from '@flaminia/domus';
import { dnsSrvDiscovery, Imperium } from '@flaminia/domus/services';

export function openBySeeds(address: DomusAddr, auth: AuthSource, seeds: readonly DomusAddr[]): Promise<Imperium> {
  return Imperium.open({ address, auth, seeds, metadata: { zone: 'eu' } });
}

/** The same with addresses from DNS, for a place where none is certain. */
export function openByDns(address: DomusAddr, auth: AuthSource): Promise<Imperium> {
  return Imperium.open({ address, auth, seeds: dnsSrvDiscovery({ name: '_seeds._tcp.example.com' }) });
}
