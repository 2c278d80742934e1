/** What the gateway and the workers of the demo share: the orders, and where each worker takes them. */
import { cbor, type Endpoint, endpoint } from '@flaminia/domus';
import { z } from 'zod';

const OrderSchema = z.object({
  id: z.number().int().nonnegative(),
  item: z.string(),
  quantity: z.number().int().positive(),
});

export type Order = z.infer<typeof OrderSchema>;

/** The inbox for orders of one worker. */
export function ordersOf(worker: string): Endpoint<Order> {
  return endpoint(`orders/${worker}`, cbor(OrderSchema));
}
