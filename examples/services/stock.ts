// stock.ts: a service with a procedure of every kind. Both sides import it; all types follow from it.
import { bidiStream, clientStream, oneWay, serverStream, service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

const Ware = z.object({ item: z.string() });
const Delivery = z.object({ item: z.string(), count: z.number().int().positive() });
const Level = z.object({ item: z.string(), count: z.number().int() });

export const Stock = service('stock', 'v1', {
  level: unary({ input: Ware, output: Level, idempotent: true }), // asked again elsewhere when a provider is lost
  take: unary({ input: Delivery, output: Level }), // not idempotent: never made twice
  forget: oneWay({ input: Ware }), // resolves when a provider has taken it
  watch: serverStream({ input: Ware, output: Level }),
  bring: clientStream({ input: Delivery, output: z.object({ brought: z.number() }) }),
  check: bidiStream({ input: Ware, output: Level }),
});
