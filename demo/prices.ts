/** The service of the demo, which its providers and its caller share. */
import { service, unary } from '@flaminia/domus/services';
import { z } from 'zod';

const Wish = z.object({ item: z.string(), quantity: z.number().int().positive() });

const Quote = z.object({
  cents: z.number().int().nonnegative(),
  /** The worker that has answered. */
  by: z.string(),
});

export const Prices = service('prices', 'v1', {
  // Idempotent: asked again of another worker, when nobody knows whether the first one has answered.
  quote: unary({ input: Wish, output: Quote, idempotent: true }),
});
