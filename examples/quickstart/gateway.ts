// gateway.ts
import { devAuth } from '@flaminia/certificates';
import { Domus, SimpleResolver } from '@flaminia/domus';
import { Orders } from './contract.ts';

export const gateway = await Domus.open({
  address: 'tcp://127.0.0.1:7001',
  auth: devAuth({ nodeId: 'gateway-1' }),
  resolver: new SimpleResolver([[Orders, 'tcp://127.0.0.1:7000']]),
});
await gateway.send(Orders, { id: 1, item: 'walnut desk' }); // resolves when the handler accepted
await gateway.shutdown();
