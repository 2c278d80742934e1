/**
 * Private keys: which kinds exist, making them, and writing them as PKCS#8 (a0-transport, auth material).
 * Keys are Node's KeyObjects everywhere, so that no log, `inspect` or JSON can show their bytes.
 */
import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { outOfRange } from '@flaminia/transport-a0';
import { DER_TAGS, derValue } from './der.ts';

/**
 * Kinds of keys that every peer accepts. RSA carries its length in bits, 2048 to 8192; a Rust peer loads own RSA keys
 * of at most 4096. P-256 is the default everywhere, and the quickest.
 */
export type KeyAlgorithm = 'P-256' | 'P-384' | 'Ed25519' | `RSA-${number}`;

/** Also the kinds that peers refuse; for tests which prove that they do. `RSA-PSS-…` has the key OID id-RSASSA-PSS. */
export type AnyKeyAlgorithm = KeyAlgorithm | 'P-521' | 'Ed448' | `RSA-PSS-${number}`;

const RSA_MIN_BITS = 2048;
const RSA_MAX_BITS = 8192;

const makeKeyPair = promisify(generateKeyPair);

/** Throws `invalid-config` unless `algorithm` is one that every peer accepts. */
export function checkKeyAlgorithm(algorithm: KeyAlgorithm): void {
  if (algorithm === 'P-256' || algorithm === 'P-384' || algorithm === 'Ed25519') return;
  const bits = Number(/^RSA-(\d+)$/.exec(algorithm)?.[1]);
  if (bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS && bits % 8 === 0) return;
  const range = `P-256, P-384, Ed25519 or RSA-<bits> (${RSA_MIN_BITS} to ${RSA_MAX_BITS}, a multiple of 8)`;
  throw outOfRange('algorithm', range, algorithm);
}

/** Makes a private key. The range is not checked here: weak keys are made on purpose by tests. */
export async function generateKey(algorithm: AnyKeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return (await makeKeyPair('ec', { namedCurve: algorithm })).privateKey;
    case 'Ed25519':
      return (await makeKeyPair('ed25519')).privateKey;
    case 'Ed448':
      return (await makeKeyPair('ed448')).privateKey;
    default: {
      const modulusLength = Number(algorithm.slice(algorithm.lastIndexOf('-') + 1));
      if (algorithm.startsWith('RSA-PSS-')) return (await makeKeyPair('rsa-pss', { modulusLength })).privateKey;
      return (await makeKeyPair('rsa', { modulusLength })).privateKey;
    }
  }
}

/**
 * The key as PKCS#8 PEM. Version 1 is what Node and OpenSSL write and read. Version 2 holds the public key as well, and
 * exists for Ed25519 alone: the Unix-socket backend of a Rust peer loads such a key in no other form.
 */
export function exportPkcs8(key: KeyObject, version: 1 | 2 = 1): string {
  if (version === 1) return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  if (key.asymmetricKeyType !== 'ed25519') throw outOfRange('pkcs8', '1, or 2 for an Ed25519 key', version);
  return privateKeyPem(oneAsymmetricKey(key));
}

/** RFC 5958, section 2, with the fields of RFC 8410. */
function oneAsymmetricKey(key: KeyObject): Buffer {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  const v1 = key.export({ type: 'pkcs8', format: 'der' });
  const [sequenceHeader, versionLength] = [2, 3];
  const algorithmAndKey = v1.subarray(sequenceHeader + versionLength);
  const noUnusedBits = Buffer.of(0);
  const publicKey = derValue(0x81, noUnusedBits, Buffer.from(jwk.x ?? '', 'base64url'));
  return derValue(DER_TAGS.sequence, derValue(DER_TAGS.integer, Buffer.of(1)), algorithmAndKey, publicKey);
}

function privateKeyPem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
}
