/**
 * Certificates for fuzzing: golden ones taken apart and put together again, under an authority whose key is fixed, so that
 * the same input always is the same certificate. Nothing here is secret.
 */
import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { DER_TAG, type DerElement, derChildren, encodeDer, readDer } from '@flaminia/transport-a0/internal';
import { goldenMaterial } from './golden.ts';

const ED25519 = Buffer.from('300506032b6570', 'hex');
const AUTHORITY_KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
/** Where the parts of a certificate body of version 3 stand. */
const SIGNATURE_ALGORITHM = 2;
const PUBLIC_KEY = 6;
const EXTENSIONS = 7;
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');

/** The golden leaves with what lies beneath them, in DER, leaf first. */
export const goldenChains: readonly (readonly Buffer[])[] = Object.values(goldenMaterial().leaves).map(
  ({ certificates }) =>
    [...certificates.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
      ([pem]) => new X509Certificate(pem).raw,
    ),
);

export const goldenAuthority: X509Certificate = new X509Certificate(goldenMaterial().authority);

/** The golden authority under our key: it has the name and the key identifier that the golden leaves name. */
export const fuzzAuthority: X509Certificate = new X509Certificate(
  issue(
    bodyOf(goldenAuthority.raw, (part, index) => {
      if (index === PUBLIC_KEY) return createPublicKey(AUTHORITY_KEY).export({ format: 'der', type: 'spki' });
      return index === SIGNATURE_ALGORITHM ? ED25519 : part;
    }),
  ),
);

/** The body of a certificate as our authority would sign it. */
export function issuableBody(certificate: Buffer): Buffer {
  return bodyOf(certificate, (part, index) => (index === SIGNATURE_ALGORITHM ? ED25519 : part));
}

/** Signs a body, whatever it holds. */
export function issue(body: Uint8Array): Buffer {
  const signature = sign(null, body, AUTHORITY_KEY);
  return encodeDer(DER_TAG.sequence, body, ED25519, encodeDer(DER_TAG.bitString, Uint8Array.of(0), signature));
}

/** A golden leaf that names what `names` says: the DER of a subject alternative name. Its signature does not hold. */
export function withNames(names: Uint8Array): Buffer {
  const leaf = goldenChains[0]![0]!;
  const [, algorithm, signature] = derChildren(readDer(leaf));
  const body = bodyOf(leaf, (part, index) => (index === EXTENSIONS ? renamed(part, names) : part));
  return encodeDer(DER_TAG.sequence, body, algorithm!.encoded, signature!.encoded);
}

/** The DER of the subject alternative name of a certificate. */
export function namesOf(certificate: Buffer): Buffer {
  const extensions = derChildren(derChildren(readDer(certificate))[0]!)[EXTENSIONS]!;
  const found = derChildren(derChildren(extensions)[0]!).find(isNames)!;
  return derChildren(found).at(-1)!.content;
}

function bodyOf(certificate: Buffer, change: (part: Uint8Array, index: number) => Uint8Array): Buffer {
  const body = derChildren(readDer(certificate))[0]!;
  return encodeDer(DER_TAG.sequence, ...derChildren(body).map((part, index) => change(part.encoded, index)));
}

function renamed(wrapper: Uint8Array, names: Uint8Array): Buffer {
  const element = readDer(wrapper);
  const extensions = derChildren(derChildren(element)[0]!).map((extension) => {
    if (!isNames(extension)) return extension.encoded;
    return encodeDer(DER_TAG.sequence, SUBJECT_ALT_NAME, encodeDer(DER_TAG.octetString, names));
  });
  return encodeDer(element.tag, encodeDer(DER_TAG.sequence, ...extensions));
}

function isNames(extension: DerElement): boolean {
  return derChildren(extension)[0]!.encoded.equals(SUBJECT_ALT_NAME);
}
