// Several sources at once, beside the topology. Where two tell of one peer, the earlier one counts, and later ones fill in.
import type { Domus } from '@flaminia/domus';
import { Imperium, mdnsDiscovery, staticDiscovery } from '@flaminia/domus/services';

export function joinBySeveral(domus: Domus): Promise<Imperium> {
  const known = staticDiscovery([{ address: 'tcp://127.0.0.1:7200', services: ['prices/v1'] }]);
  return Imperium.join(domus, { discovery: [known, mdnsDiscovery()] });
}
