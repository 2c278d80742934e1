/** The public door of the services layer; applications reach it as `@flaminia/domus/services`. */

export type { DomusAddr } from '@flaminia/transport-a0';
export { type AllowEntry, nodeId, nodeType } from './authorization/allow-entry.ts';
export { allowList, allowListOf } from './authorization/allow-list.ts';
export { AllowListVerifier, type AllowRules } from './authorization/allow-list-verifier.ts';
export type { Caller } from './authorization/caller.ts';
export { anyAuthenticatedPeer, LocalTrustVerifier } from './authorization/local-trust.ts';
export type { PeerVerifier } from './authorization/peer-verifier.ts';
export { combineDiscoveries } from './discovery/combine-discoveries.ts';
export type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from './discovery/discovery.ts';
export { type StaticDiscovery, type StaticPeer, staticDiscovery } from './discovery/static-discovery.ts';
export type { HealthState } from './health/health-state.ts';
export { Imperium, type ImperiumHost, type Provision } from './imperium.ts';
export type { ClientOptions, JoinOptions, LeaveOptions, LeaveReport } from './imperium-options.ts';
export type {
  CallContext,
  CallOptions,
  Client,
  HandlerOf,
  Handlers,
  Inputs,
  MethodOf,
} from './procedures/call-types.ts';
export { type ProcedureCode, ProcedureError, type ProcedureErrorOptions } from './procedures/procedure-error.ts';
export type { ProvideOptions } from './procedures/provide-options.ts';
export {
  bidiStream,
  clientStream,
  oneWay,
  type Procedure,
  type ProcedureDefinition,
  type ProcedureKind,
  type ProcedureSchemas,
  type Procedures,
  type Service,
  type ServiceHead,
  serverStream,
  service,
  type UncheckedProcedure,
  unary,
} from './procedures/service.ts';
export { leastLoaded } from './providers/core/least-loaded.ts';
export { random } from './providers/core/random-picker.ts';
export { roundRobin } from './providers/core/round-robin.ts';
export { sticky } from './providers/core/sticky.ts';
export type { PickContext, Picker, ProviderLoad } from './providers/picker.ts';
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
