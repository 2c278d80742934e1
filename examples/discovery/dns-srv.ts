// Nodes that DNS knows, such as those of a headless service of Kubernetes.
import type { Domus } from '@flaminia/domus';
import { type DnsSrvOptions, dnsSrvDiscovery, Imperium } from '@flaminia/domus/services';

const prices: DnsSrvOptions = { name: '_prices._tcp.example.com', services: ['prices/v1'] };

export function joinByDns(domus: Domus, options: Partial<DnsSrvOptions> = {}): Promise<Imperium> {
  return Imperium.join(domus, { discovery: dnsSrvDiscovery({ ...prices, ...options }) });
}
