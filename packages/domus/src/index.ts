/** The public door of Flaminia: a domus (node), its endpoints, codecs, configuration, reporting and errors. */

export type { Caller, InferInput, InferOutput, StandardSchemaV1 } from '@flaminia/services-a2';
export {
  type Delivery,
  type DomusAddr,
  DomusError,
  type DomusErrorDetails,
  ERROR_IDS,
  type ErrorKind,
  type Pkcs8AuthConfig,
  tcpAddress,
  unixAddress,
} from '@flaminia/transport-a0';
export * from './auth-sources.ts';
export type { BlobReceiver } from './blob-receiver.ts';
export type { BlobSender } from './blob-sender.ts';
export type { EventsOptions } from './broadcast.ts';
export { bytes } from './bytes.ts';
export { cbor } from './cbor.ts';
export type { CodecOptions, EncodedMessage, MessageCodec } from './codec.ts';
export type { BlobWindow, DomusConfig } from './config.ts';
export type { ConnectedPeer, ReportedIdentity } from './connections.ts';
export type { DiagnosticsEvent, DiagnosticsLog } from './diagnostics.ts';
export { Domus, type DomusConfigAccess } from './domus.ts';
export {
  type AnyEndpoint,
  type BlobEndpoint,
  blobEndpoint,
  type Endpoint,
  type EndpointId,
  endpoint,
  tabernaId,
} from './endpoint.ts';
export type { TabernaRef } from './endpoint-text.ts';
export type { EventIterator, EventsLost } from './event-feed.ts';
export { json } from './json.ts';
export type { HistogramMetrics } from './latency-histogram.ts';
export {
  A1_MESSAGE_TYPE_MAX,
  A2_MESSAGE_TYPE_BASE,
  A2_MESSAGE_TYPE_MAX,
  A3_MESSAGE_TYPE_BASE,
  A3_MESSAGE_TYPE_MAX_OFFSET,
  a3MessageType,
  classifyMessagePriority,
  type MessagePriorityClass,
  type MessageType,
  PROCEDURE_MESSAGE_TYPE_BASE,
  tryA3MessageType,
} from './message-type.ts';
export type { BlobMetrics, ByErrorKind, CallisMetrics, ClassMetrics, DomusMetrics, QueueMetrics } from './metrics.ts';
export { type MetricsDelta, metricsDelta } from './metrics-delta.ts';
export type {
  DomusOptions,
  LogEntry,
  ReloadOptions,
  SendBlobOptions,
  SendOptions,
  ServeOptions,
  ShutdownOptions,
  TabernaOptions,
} from './options.ts';
export type { DomusEvent, ErrorRecord, ErrorsSince, ReportedError, Reporting } from './reporting.ts';
export { type RouteKey, type RouteResolver, SimpleResolver } from './resolver.ts';
export type { MessageHandler, Serving } from './serving.ts';
export type { ReceiveOptions, Taberna } from './taberna.ts';
export type { Completion, SplitRequest, TabernaRequest } from './taberna-request.ts';
