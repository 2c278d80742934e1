/** The public door of layer A0: addresses, identities, and the one error class. */
export {
  type DomusAddr,
  type ParsedAddress,
  parseAddress,
  parseDestination,
  tcpAddress,
  unixAddress,
} from './address.ts';
export type { Pkcs8AuthConfig } from './auth-material.ts';
export {
  type Delivery,
  DomusError,
  type DomusErrorDetails,
  ERROR_IDS,
  type ErrorKind,
  errorKindOf,
  type OptionNames,
  optionsOf,
  outOfRange,
  unknownName,
  type WireErrorKind,
} from './domus-error.ts';
export type { PeerIdentity } from './identity.ts';
