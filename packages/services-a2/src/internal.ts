/** The door of the services layer for the facade above it and the fuzzer. A domus that nobody joins with loads this, and no service. */

export { callerFrom } from './authorization/caller.ts';
export { isAllowed, type PeerVerifier, requireVerifier } from './authorization/peer-verifier.ts';
export { Feed } from './feed.ts';
export type { ImperiumHost } from './imperium.ts';
export { inspectAsJson } from './inspect-as-json.ts';
export { JOIN_OPTIONS } from './join-options.ts';
export {
  DeliveryPort,
  type DeliveryPortOptions,
  type PeerEvent,
  type Port,
  type PortMessage,
  type PortRequest,
  type PortTaberna,
  type TabernaKey,
} from './port.ts';
export { requireSignal } from './require-signal.ts';
export { type Abortable, SignalWatch, watchedSignals } from './signal-watch.ts';
export { certificateSigner } from './topology/certificate-signer.ts';
export { CertificateVerifier } from './topology/certificate-verifier.ts';
export type { RecordSigner, RecordVerifier } from './topology/core/topology-sink.ts';
export type { TabernaToAnnounce } from './topology/own-node.ts';
export { unsignedRecords } from './topology/unsigned-records.ts';
export { type CborRefusal, refuseCbor } from './values/cbor-guard.ts';
export { decodeCbor, encodeCbor } from './values/cbor-values.ts';
export { schemaCheck } from './values/schema-check.ts';
export { decodeFailure, encodeFailure } from './values/value-failure.ts';
