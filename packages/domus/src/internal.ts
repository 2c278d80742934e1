/** The door of the facade for what stands above it: tests and measurements. */
import type { Delivery } from '@flaminia/delivery-a1/internal';
import { Domus } from './domus.ts';
import { type OpenInternals, openDomus } from './open.ts';
import type { DomusOptions } from './options.ts';

export type { OpenInternals } from './open.ts';

/** As `Domus.open`, with the switches that only tests and measurements turn. */
export function openDomusWith(options: DomusOptions, internals: OpenInternals): Promise<Domus> {
  return openDomus(options, (parts) => new Domus(parts), internals);
}

/** What a domus stands on; its published types do not show it. */
export function deliveryOf(domus: Domus): Delivery {
  return domus.delivery;
}
