// One list for tabernae (inboxes) and services together, by text. A `*` at the end stands for any rest.
import { type Domus, endpoint, json, type Serving } from '@flaminia/domus';
import { allowListOf, nodeId, nodeType } from '@flaminia/domus/services';

export const Orders = endpoint('orders', json<{ readonly id: number }>());

export const verifier = allowListOf({
  'accounts/v1/balance': [nodeType('gateway')],
  'accounts/v1/*': [nodeId('admin-1')],
  'taberna/orders': [nodeType('shop')],
});

export function takeOrders(domus: Domus, take: (id: number) => void): Promise<Serving> {
  return domus.serve(Orders, ({ id }) => take(id), { verifier });
}
