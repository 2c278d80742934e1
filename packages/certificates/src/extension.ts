/** The extensions of a certificate, as plain values. Turned into DER by x509.ts, and by nothing else. */

/** A name of the subject beside its distinguished name (RFC 5280, 4.2.1.6). An `ip` is a literal, without brackets. */
export interface AlternativeName {
  readonly kind: 'uri' | 'ip' | 'dns' | 'email';
  readonly value: string;
}

export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';

/**
 * One extension. `critical` defaults to what RFC 5280 asks of that extension: true for basic constraints, key usage and
 * name constraints. A key identifier defaults to the SHA-1 of the subject's, or the issuer's, public key. `raw` is
 * any extension at all: `value` is the DER inside the octet string.
 */
export type CertificateExtension = { readonly critical?: boolean } & (
  | { readonly kind: 'basic-constraints'; readonly ca: boolean; readonly pathLength?: number }
  | { readonly kind: 'key-usage'; readonly usages: readonly KeyUsage[] }
  | { readonly kind: 'extended-key-usage'; readonly usages: readonly string[] }
  | { readonly kind: 'subject-alternative-name'; readonly names: readonly AlternativeName[] }
  | { readonly kind: 'subject-key-identifier'; readonly id?: Uint8Array }
  | { readonly kind: 'authority-key-identifier'; readonly id?: Uint8Array }
  | {
      readonly kind: 'name-constraints';
      readonly permitted?: readonly AlternativeName[];
      readonly excluded?: readonly AlternativeName[];
    }
  | { readonly kind: 'raw'; readonly oid: string; readonly value: Uint8Array }
);

/** Purposes of an extended key usage, by OID. */
export const KEY_PURPOSES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
} as const;
