// Two versions of a service side by side: each is a service of its own, and the old one stands on the new one.
import { anyAuthenticatedPeer, type Handlers, type Imperium, service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

export const PricesV1 = service('prices', 'v1', {
  quote: unary({ input: z.object({ item: z.string() }), output: z.number(), idempotent: true }),
});

export const PricesV2 = service('prices', 'v2', {
  quote: unary({
    input: z.object({ item: z.string(), currency: z.enum(['EUR', 'CHF']) }),
    output: z.object({ cents: z.number().int(), currency: z.string() }),
    idempotent: true,
  }),
});

const v2: Handlers<typeof PricesV2> = {
  quote: ({ item, currency }) => ({ cents: item.length * (currency === 'EUR' ? 100 : 95), currency }),
};

const v1: Handlers<typeof PricesV1> = {
  quote: async ({ item }, context) => (await v2.quote({ item, currency: 'EUR' }, context)).cents,
};

export async function offerPrices(imperium: Imperium): Promise<void> {
  const options = { verifier: anyAuthenticatedPeer() };
  await imperium.provide(PricesV1, v1, options);
  await imperium.provide(PricesV2, v2, options);
}

/** Nodes that offer the old version, and those that offer any. */
export function progress(imperium: Imperium): string {
  const { topology } = imperium;
  return `${topology.providers('prices', 'v1').length} of ${topology.byService('prices').length} still offer v1`;
}
