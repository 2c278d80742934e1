// A piece of an application: it takes a domus (node) and does not care what stands behind it.
import { type Domus, DomusError, endpoint, json } from '@flaminia/domus';

export const Orders = endpoint('orders', json<{ readonly id: number }>());

/** Places an order; a busy or unreachable shop is asked once more. */
export async function placeOrder(domus: Domus, id: number): Promise<'placed' | 'refused'> {
  for (let attempt = 1; ; attempt++) {
    try {
      await domus.send(Orders, { id });
      return 'placed';
    } catch (error) {
      if (!DomusError.is(error)) throw error;
      if (error.kind === 'remote-taberna-rejected') return 'refused';
      if (!error.retryable || attempt === 2) throw error;
    }
  }
}
