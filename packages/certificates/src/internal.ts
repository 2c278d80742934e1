/** The door of the certificates package for the other packages' tests and tools: raw issuing, broken certificates included. */
export { type IssuedCertificate, issueCertificate } from './certificate.ts';
export type { CertificateRequest, DistinguishedName, Issuer, NameAttribute } from './certificate-request.ts';
export { type AlternativeName, type CertificateExtension, KEY_PURPOSES, type KeyUsage } from './extension.ts';
export { type AnyKeyAlgorithm, exportPkcs8, generateKey } from './key.ts';
export { authorityExtensions, domusExtensions, domusNames } from './profile.ts';
