// worker.ts
import { devAuth } from '@flaminia/certificates';
import { Domus } from '@flaminia/domus';
import { Orders } from './contract.ts';

export const worker = await Domus.open({ address: 'tcp://127.0.0.1:7000', auth: devAuth({ nodeId: 'worker-1' }) });
await worker.serve(Orders, async (order, request) => {
  console.log(`order ${order.id}: ${order.item}, from ${request.from.nodeId}`);
}); // returns: the sender's send resolves; throws: it fails
