/** The door of the services layer for test tools above it: what calls within one process are made of, and what the fuzzer feeds. */
import { Topology, type TopologyOptions } from './topology/topology.ts';

export { ClientProviders, ServiceTable } from './client-providers.ts';
export { resolveClientOptions } from './imperium-options.ts';
export { Calls } from './procedures/calls.ts';
export { clientOf } from './procedures/client.ts';
export { DEFAULT_CALL_SETTINGS } from './procedures/client-options.ts';
export { ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, HeadReader, ITEMS, KIND_NUMBERS } from './procedures/core/wire.ts';
export { offer } from './procedures/offer.ts';
export { ProvidedService } from './procedures/provided-service.ts';
export type { ProviderSource } from './procedures/provider-source.ts';
export { StreamCall } from './procedures/stream-call.ts';
export { UnaryCall } from './procedures/unary-call.ts';
export { providerSettings } from './providers/core/provider-settings.ts';
export { MESSAGE, REJECTED } from './topology/core/message-types.ts';
export * as topologyMessages from './topology/core/messages.ts';
export { encodeBody, encodeRecord } from './topology/core/record-codec.ts';
export { Topology } from './topology/topology.ts';
export { TOPOLOGY_TABERNA } from './topology/topology-taberna.ts';

/** A topology that takes part without an imperium around it; `stop` ends it at once. */
export function startedTopology(
  options: TopologyOptions,
  seeds: readonly string[],
): { readonly topology: Topology; stop(): void } {
  const topology = new Topology(options);
  topology.start({ seeds });
  return { topology, stop: () => topology.stop() };
}
