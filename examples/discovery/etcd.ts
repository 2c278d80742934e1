// Nodes that keep an entry in etcd, under a lease of their own.
import type { Domus } from '@flaminia/domus';
import { etcdDiscovery, Imperium } from '@flaminia/domus/services';

export function joinByEtcd(domus: Domus, endpoints: readonly string[]): Promise<Imperium> {
  return Imperium.join(domus, { discovery: etcdDiscovery({ endpoints, prefix: 'shop/nodes/' }) });
}
