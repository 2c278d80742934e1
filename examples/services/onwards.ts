// A handler that calls on: with `parent` its own call is bounded by the deadline of the one that it serves, ends when that is
// given up, and carries its trace context (`traceparent`).
import { anyAuthenticatedPeer, type Imperium, type Provision, service, unary } from '@flaminia/domus/services';
import { z } from 'zod';
import { Stock } from './stock.ts';

export const Shop = service('shop', 'v1', {
  buy: unary({ input: z.object({ item: z.string() }), output: z.object({ left: z.number() }) }),
});

export function openShop(imperium: Imperium): Promise<Provision> {
  const stock = imperium.client(Stock);
  return imperium.provide(
    Shop,
    {
      async buy({ item }, context) {
        const { count } = await stock.take({ item, count: 1 }, { parent: context });
        return { left: count };
      },
    },
    { verifier: anyAuthenticatedPeer() },
  );
}
