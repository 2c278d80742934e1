/** Signs the own record with the key of the own certificate (topology, records). */
import { constants, type KeyObject, sign } from 'node:crypto';
import type { AuthMaterial } from '@flaminia/transport-a0/internal';
import { CHAIN_MAX } from './core/limits.ts';
import type { RecordSigner } from './core/topology-sink.ts';

/** What a signature needs beside the key; one choice for each kind of key. */
export interface SignatureScheme {
  readonly digest: 'sha256' | 'sha384' | null;
  readonly padding?: number;
  readonly saltLength?: number;
}

/** A signer for material that is in force. Its chain leaves out the anchor, which every member has. */
export function certificateSigner({ chain, key }: Pick<AuthMaterial, 'chain' | 'key'>): RecordSigner {
  const { digest, ...rest } = schemeOf(key);
  const below = chain.filter((certificate, index) => index === 0 || !certificate.checkIssued(certificate));
  return Object.freeze({
    chain: below.slice(0, CHAIN_MAX).map((certificate) => new Uint8Array(certificate.raw)),
    validFromMs: Date.parse(chain[0].validFrom),
    sign: (bytes: Uint8Array) => new Uint8Array(sign(digest, bytes, { key, ...rest })),
  });
}

/** ECDSA with the hash that fits its curve, Ed25519, RSA-PSS with SHA-256 and a salt of 32 bytes. */
export function schemeOf(key: KeyObject): SignatureScheme {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { digest: null };
    case 'ec':
      return { digest: key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256' };
    default:
      return { digest: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  }
}
