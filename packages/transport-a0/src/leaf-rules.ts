/**
 * What a leaf must be beside its names, its own or a peer's, on both transports (a0-transport, auth material). The chain
 * above it, and dates, are judged elsewhere: by TLS, or by the chain validator.
 */
import type { X509Certificate } from 'node:crypto';
import { publicKeyRefusal } from './algorithm-policy.ts';
import {
  type CertificateFields,
  certificateFields,
  EXTENSION,
  extensionOf,
  KEY_PURPOSE,
  keyPurposes,
} from './certificate-fields.ts';
import { DER_TAG, derBoolean, derChildren, expectDer, readDer } from './der.ts';

/** Every domus dials and listens, so its leaf serves for both. */
const WANTED_PURPOSES = [KEY_PURPOSE.clientAuth, KEY_PURPOSE.serverAuth];
/** The first bit of key usage. */
const DIGITAL_SIGNATURE = 0x80;

/** Why this leaf cannot be that of a domus, in words that follow "the certificate"; undefined if it can. */
export function leafRefusal(leaf: X509Certificate): string | undefined {
  const fields = certificateFields(leaf);
  if (isAuthority(fields)) return 'is that of an authority, not of a domus';
  const purposes = keyPurposes(fields);
  if (purposes !== undefined && !WANTED_PURPOSES.every((purpose) => purposes.includes(purpose))) {
    return 'has an extended key usage without clientAuth and serverAuth, and a domus is both';
  }
  if (!maySign(fields)) return 'has a key usage without digitalSignature';
  return publicKeyRefusal(leaf);
}

/** Whether basic constraints say CA:TRUE (Node's own flag also looks at the key usage). */
export function isAuthority(fields: CertificateFields): boolean {
  const extension = extensionOf(fields, EXTENSION.basicConstraints);
  if (extension === undefined) return false;
  const [first] = derChildren(expectDer(readDer(extension.value), DER_TAG.sequence, 'basic constraints'));
  return first?.tag === DER_TAG.boolean && derBoolean(first);
}

function maySign(fields: CertificateFields): boolean {
  const extension = extensionOf(fields, EXTENSION.keyUsage);
  if (extension === undefined) return true;
  const bits = expectDer(readDer(extension.value), DER_TAG.bitString, 'key usage').content;
  return ((bits[1] ?? 0) & DIGITAL_SIGNATURE) !== 0;
}
