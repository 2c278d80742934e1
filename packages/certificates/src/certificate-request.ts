/** What a certificate is to hold, and who signs it. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateExtension } from './extension.ts';
import type { AnyKeyAlgorithm } from './key.ts';

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
