// prices.ts: one definition, shared by both sides
import { service, unary } from '@flaminia/domus/services';
import { z } from 'zod'; // any Standard Schema: zod, valibot, arktype ...

export const Prices = service('prices', 'v1', {
  quote: unary({ input: z.object({ item: z.string() }), output: z.object({ cents: z.number() }), idempotent: true }),
});
