// Nodes that DNS knows, such as those of a headless service of Kubernetes.
import type { Domus } from '@flaminia/domus';
import { dnsSrvDiscovery, Imperium } from '@flaminia/domus/services';

export function joinByDns(domus: Domus, name = '_prices._tcp.example.com', servers?: string[]): Promise<Imperium> {
  const services = ['prices/v1']; // what every target offers
  return Imperium.join(domus, { discovery: dnsSrvDiscovery({ name, services, ...(servers && { servers }) }) });
}
