// provider.ts
import { devAuth } from '@flaminia/certificates';
import { allowList, Imperium, nodeType } from '@flaminia/domus/services';
import { Prices } from './prices.ts';

export const provider = await Imperium.open({
  address: 'tcp://127.0.0.1:7000',
  auth: devAuth({ nodeId: 'provider-1' }),
});
await provider.provide(
  Prices,
  { quote: ({ item }) => ({ cents: item.length * 100 }) },
  { verifier: allowList(Prices, { quote: [nodeType('gateway')] }) }, // by certificate; whoever is not listed is refused
);
