/** The door of the services layer for test tools above it: what calls within one process are made of. */

export { resolveClientOptions } from './imperium-options.ts';
export { Calls } from './procedures/calls.ts';
export { clientOf } from './procedures/client.ts';
export { offer } from './procedures/offer.ts';
export type { ProviderSource } from './procedures/provider-source.ts';
