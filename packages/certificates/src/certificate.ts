/**
 * Issuing one certificate, with every field in the hands of the caller. This is the floor under `createAuthority`,
 * `issueAuth` and `devAuth`, which know what a good certificate holds; and, through the internal door, the workshop of
 * tests that need broken ones.
 *
 * 1. Nothing is added and nothing is checked: a request that breaks every rule of RFC 5280 is carried out.
 * 2. Loading this module loads no certificate library; the first call does (x509.ts).
 */
import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import type { CertificateRequest, Issuer } from './certificate-request.ts';
import { type AnyKeyAlgorithm, exportPkcs8, generateKey } from './key.ts';

/** A certificate with its private key. It may issue in its turn. */
export interface IssuedCertificate extends Issuer {
  readonly certificatePem: string;
  readonly certificateDer: Buffer;
  /** PKCS#8 version 1. */
  readonly privateKeyPem: string;
}

/** Issues a certificate exactly as requested. */
export async function issueCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  const key = await subjectKey(request.key ?? 'P-256');
  const { signCertificate } = await import('./x509.ts');
  const certificateDer = await signCertificate(request, key, request.serial ?? randomSerial());
  const certificate = new X509Certificate(certificateDer);
  return { certificate, key, certificateDer, certificatePem: certificate.toString(), privateKeyPem: exportPkcs8(key) };
}

async function subjectKey(key: KeyObject | AnyKeyAlgorithm): Promise<KeyObject> {
  return typeof key === 'string' ? generateKey(key) : key;
}

/** The top bit is clear, so that the number is positive; the next is set, so that it always takes 16 octets. */
function randomSerial(): string {
  const octets = randomBytes(16);
  octets[0] = (octets[0]! & 0x3f) | 0x40;
  return octets.toString('hex');
}
