// caller.ts
import { devAuth } from '@flaminia/certificates';
import { Imperium } from '@flaminia/domus/services';
import { Prices } from './prices.ts';

export const gateway = await Imperium.open({
  address: 'tcp://127.0.0.1:7001',
  auth: devAuth({ nodeId: 'gateway-1', nodeType: 'gateway' }),
  seeds: ['tcp://127.0.0.1:7000'], // one node that is there; it knows the others
});
const { cents } = await gateway.client(Prices).quote({ item: 'walnut desk' }); // whoever offers prices/v1
console.log(`${cents} cents`);
await gateway.leave();
