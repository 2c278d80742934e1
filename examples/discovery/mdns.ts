// Nodes of one local network, or several processes on one machine, without any address.
import type { Domus } from '@flaminia/domus';
import { Imperium, mdnsDiscovery } from '@flaminia/domus/services';

export function joinByMdns(domus: Domus): Promise<Imperium> {
  return Imperium.join(domus, { discovery: mdnsDiscovery({ serviceName: '_shop._tcp.local' }) });
}
