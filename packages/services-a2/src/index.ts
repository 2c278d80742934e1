/** The public door of the services layer; applications reach it as `@flaminia/domus/services`. */

export type { DomusAddr } from '@flaminia/transport-a0';
export { type AllowEntry, nodeId, nodeType } from './authorization/allow-entry.ts';
export { allowList, allowListOf, type GuardedService, type ServiceAllowRules } from './authorization/allow-list.ts';
export { AllowListVerifier, type AllowRules } from './authorization/allow-list-verifier.ts';
export type { Caller } from './authorization/caller.ts';
export { anyAuthenticatedPeer, LocalTrustVerifier } from './authorization/local-trust.ts';
export type { PeerVerifier } from './authorization/peer-verifier.ts';
export { combineDiscoveries } from './discovery/combine-discoveries.ts';
export type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from './discovery/discovery.ts';
export { dnsSrvDiscovery } from './discovery/dns-srv/dns-srv-discovery.ts';
export type { DnsSrvOptions } from './discovery/dns-srv/dns-srv-options.ts';
export { type EtcdDiscovery, etcdDiscovery } from './discovery/etcd/etcd-discovery.ts';
export type { EtcdOptions } from './discovery/etcd/etcd-options.ts';
export { mdnsDiscovery } from './discovery/mdns/mdns-discovery.ts';
export type { MdnsOptions } from './discovery/mdns/mdns-options.ts';
export { type StaticDiscovery, type StaticPeer, staticDiscovery } from './discovery/static-discovery.ts';
export { type DnsCheckOptions, dnsCheck } from './health/checks/dns-check.ts';
export { type DomusCheckOptions, domusCheck } from './health/checks/domus-check.ts';
export { functionCheck } from './health/checks/function-check.ts';
export { type HttpCheckOptions, httpCheck } from './health/checks/http-check.ts';
export { tcpCheck } from './health/checks/tcp-check.ts';
export type { CheckState } from './health/core/check-machine.ts';
export type { CheckSettings } from './health/core/check-settings.ts';
export type { Health, HealthCheckHandle } from './health/health.ts';
export type { HealthCheck } from './health/health-check.ts';
export type { HealthState } from './health/health-state.ts';
export type { CheckStatus, HealthChange, HealthStatus } from './health/health-status.ts';
export { Imperium, type ImperiumHost, type Provision } from './imperium.ts';
export type { ClientOptions, LeaveOptions, LeaveReport, ReadyOptions } from './imperium-options.ts';
export type { JoinOptions } from './join-options.ts';
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
export type { AnnouncedTaberna, NodeRecord } from './topology/core/record.ts';
export type { TopologySettings } from './topology/core/settings.ts';
export type { TopologyEvent } from './topology/core/topology-sink.ts';
export type { AskOptions, Topology, TopologyNode } from './topology/topology.ts';
export type { TopologyChange } from './topology/topology-changes.ts';
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
