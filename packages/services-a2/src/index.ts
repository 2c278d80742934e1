/** The public door of the services layer; applications reach it as `@flaminia/domus/services`. */
export type { Caller } from './authorization/caller.ts';
export type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from './discovery/discovery.ts';
export type { HealthState } from './health/health-state.ts';
export type { Provider } from './providers/provider.ts';
export type { ServicesEvent } from './services-event.ts';
export type {
  InferInput,
  InferOutput,
  StandardSchemaIssue,
  StandardSchemaOptions,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaTypes,
  StandardSchemaV1,
} from './values/standard-schema.ts';
