// prices.ts: handlers that need nothing but what they are given
import { type Handlers, ProcedureError, service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

export const Prices = service('prices', 'v1', {
  quote: unary({ input: z.object({ item: z.string().min(1) }), output: z.number().int(), idempotent: true }),
});

export function pricesFrom(list: ReadonlyMap<string, number>): Handlers<typeof Prices> {
  return {
    quote({ item }, { caller }) {
      const cents = list.get(item);
      if (cents === undefined) throw new ProcedureError('not-found', `there is no ${item}`);
      return caller.nodeType === 'staff' ? Math.round(cents * 0.9) : cents;
    },
  };
}
