// A list that the application keeps. `set` replaces it while the node runs.
import type { Domus } from '@flaminia/domus';
import { Imperium, type StaticDiscovery, staticDiscovery } from '@flaminia/domus/services';

export const shops: StaticDiscovery = staticDiscovery([
  { address: 'tcp://127.0.0.1:7200', services: ['prices/v1'], metadata: { zone: 'eu' } },
]);

export function joinWithList(domus: Domus): Promise<Imperium> {
  return Imperium.join(domus, { discovery: shops });
}
