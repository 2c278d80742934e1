/** The door of the services layer for the facade above it, for its simulator and the fuzzer. */
export { callerFrom } from './authorization/caller.ts';
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
export { type CborRefusal, refuseCbor } from './values/cbor-guard.ts';
export { decodeCbor, encodeCbor } from './values/cbor-values.ts';
export { schemaCheck } from './values/schema-check.ts';
export { decodeFailure, encodeFailure } from './values/value-failure.ts';
