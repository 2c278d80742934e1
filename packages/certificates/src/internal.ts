/** The door of the certificates package for the other packages' tests and tools: raw issuing, broken certificates included. */
export {
  type CertificateRequest,
  type DistinguishedName,
  type IssuedCertificate,
  type Issuer,
  issueCertificate,
  type NameAttribute,
} from './certificate.ts';
export { type AlternativeName, type CertificateExtension, KEY_PURPOSES, type KeyUsage } from './extension.ts';
export { type AnyKeyAlgorithm, exportPkcs8, generateKey } from './key.ts';
export { authorityExtensions, domusExtensions, domusNames } from './profile.ts';
