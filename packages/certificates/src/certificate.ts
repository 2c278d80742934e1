/**
 * Issuing one certificate, with every field in the hands of the caller. This is the floor under `createAuthority`,
 * `issueAuth` and `devAuth`, which know what a good certificate holds; and, through the internal door, the workshop of
 * tests that need broken ones.
 *
 * 1. Nothing is added and nothing is checked: a request that breaks every rule of RFC 5280 is carried out.
 * 2. Loading this module loads no certificate library; the first call does (x509.ts).
 */
import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import type { CertificateExtension } from './extension.ts';
import { type AnyKeyAlgorithm, exportPkcs8, generateKey } from './key.ts';

/** One attribute of a distinguished name, written as UTF8String. Attributes stand in the given order, one to an RDN. */
export interface NameAttribute {
  readonly type: 'CN' | 'OU' | 'O' | 'C' | 'L' | 'ST';
  readonly value: string;
}

/** A distinguished name; it may be empty. */
export type DistinguishedName = readonly NameAttribute[];

/** Who signs: the certificate gives name and key identifier, the key gives the signature. They need not belong together. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

export interface CertificateRequest {
  readonly subject: DistinguishedName;
  /** The key to certify, or the kind of a new one. Default: a new P-256 key. */
  readonly key?: KeyObject | AnyKeyAlgorithm;
  /** Default: the certificate signs itself. */
  readonly issuer?: Issuer;
  /** The issuer field, where it should differ from the issuer's subject. */
  readonly issuerName?: DistinguishedName;
  /** Both ends have a resolution of one second: parts of a second are dropped. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hexadecimal, positive and not zero. Default: 126 random bits in 16 octets. */
  readonly serial?: string;
  /** In this order. An empty list is written as an empty field, which strict readers refuse. */
  readonly extensions: readonly CertificateExtension[];
  /** Default: SHA-256, SHA-384 for P-384 keys, SHA-512 for P-521 keys. Without meaning for Ed25519. */
  readonly signatureHash?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
  /** Padding of an RSA signature. Default: PKCS#1 v1.5. PSS has a salt of 32 octets. */
  readonly signaturePadding?: 'pkcs1' | 'pss';
}

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
