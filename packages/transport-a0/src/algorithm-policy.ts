/**
 * Which keys and signatures A0 takes, in own material and in peers' certificates (a0-transport, auth material): RSA of
 * 2048 to 8192 bits, ECDSA P-256 and P-384, Ed25519; signatures of certificates with the SHA-2 family or Ed25519.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { type AlgorithmIdentifier, algorithmIdentifier, certificateFields } from './certificate-fields.ts';
import { contextTag, DER_TAG, derChildren, expectDer } from './der.ts';

/** Kinds of keys, by what the wire needs to know of them. */
export type KeyKind = 'rsa' | 'p256' | 'p384' | 'ed25519';

const ALLOWED_KEYS = 'RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, or Ed25519';
const RSA_MIN_BITS = 2048;
const RSA_MAX_BITS = 8192;

/** Algorithms of certificate signatures whose identifier alone tells the digest. */
const SIGNATURE_OIDS: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // RSA, SHA-256
  '1.2.840.113549.1.1.12', // RSA, SHA-384
  '1.2.840.113549.1.1.13', // RSA, SHA-512
  '1.2.840.10045.4.3.2', // ECDSA, SHA-256
  '1.2.840.10045.4.3.3', // ECDSA, SHA-384
  '1.2.840.10045.4.3.4', // ECDSA, SHA-512
  '1.3.101.112', // Ed25519
]);
const RSA_PSS_OID = '1.2.840.113549.1.1.10';
const SHA2_OIDS: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/** The kind of a public or private key, or undefined for one that A0 does not take. */
export function keyKindOf(key: KeyObject): KeyKind | undefined {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return 'ed25519';
    case 'ec':
      if (details?.namedCurve === 'prime256v1') return 'p256';
      return details?.namedCurve === 'secp384r1' ? 'p384' : undefined;
    case 'rsa': {
      const { modulusLength: bits = 0, publicExponent = 0n } = details ?? {};
      // With the exponent 1 anybody can sign.
      return bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS && publicExponent >= 3n ? 'rsa' : undefined;
    }
    default:
      return undefined;
  }
}

/** Why a key is not taken, in words that follow its name; undefined if it is. Says nothing secret. */
export function keyRefusal(key: KeyObject): string | undefined {
  return keyKindOf(key) === undefined ? `must be ${ALLOWED_KEYS}, not ${describe(key)}` : undefined;
}

/** The same for the key inside a certificate. */
export function publicKeyRefusal(certificate: X509Certificate): string | undefined {
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch {
    return `must have a key of ${ALLOWED_KEYS}, not one of an unknown kind`;
  }
  return keyKindOf(key) === undefined ? `must have a key of ${ALLOWED_KEYS}, not ${describe(key)}` : undefined;
}

/** Why the key or the signature of a certificate is not taken, in words that follow its name; undefined if they are. */
export function algorithmRefusal(certificate: X509Certificate): string | undefined {
  const refusal = publicKeyRefusal(certificate);
  if (refusal !== undefined || hasStrongSignature(certificate)) return refusal;
  return 'must be signed with SHA-256, SHA-384, SHA-512 or Ed25519';
}

/**
 * Whether the issuer signed this certificate in a way that A0 takes: no SHA-1, no MD5. Throws `protocol-violation` where
 * the DER is malformed.
 */
export function hasStrongSignature(certificate: X509Certificate): boolean {
  const { signatureAlgorithm } = certificateFields(certificate);
  if (signatureAlgorithm.oid === RSA_PSS_OID) return SHA2_OIDS.has(pssDigest(signatureAlgorithm));
  return SIGNATURE_OIDS.has(signatureAlgorithm.oid);
}

function describe(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  const extent = details?.namedCurve ?? (details?.modulusLength === undefined ? '' : `${details.modulusLength} bits`);
  return `${key.asymmetricKeyType ?? key.type} ${extent}`.trimEnd();
}

/** The digest of RSA-PSS stands in its parameters; absent it is SHA-1 (RFC 4055, section 3.1). */
function pssDigest({ parameters }: AlgorithmIdentifier): string {
  if (parameters === undefined) return 'sha1';
  const fields = derChildren(expectDer(parameters, DER_TAG.sequence, 'PSS parameters'));
  const digest = fields.find((field) => field.tag === contextTag(0, 'constructed'));
  if (digest === undefined) return 'sha1';
  return algorithmIdentifier(expectDer(derChildren(digest)[0], DER_TAG.sequence, 'PSS digest')).oid;
}
