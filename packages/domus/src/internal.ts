/** The door of the facade for what stands above it: tests, measurements, later the services. */
import { Domus } from './domus.ts';
import { type OpenInternals, openDomus } from './open.ts';
import type { DomusOptions } from './options.ts';

export type { OpenInternals } from './open.ts';

/** As `Domus.open`, with the switches that only tests and measurements turn. */
export function openDomusWith(options: DomusOptions, internals: OpenInternals): Promise<Domus> {
  return openDomus(options, (parts) => new Domus(parts), internals);
}
