/**
 * The certificates and the key of a domus: parsed, checked to belong together, and kept for both transports
 * (a0-transport, auth material).
 *
 * What can be judged without a peer is judged here, once, with a text that names the part. Dates and the chain are not:
 * peers judge them, by their own clock and CA set.
 */
import { createPrivateKey, type KeyObject, sign, verify, type X509Certificate } from 'node:crypto';
import type { DomusAddr } from './address.ts';
import { algorithmRefusal, keyRefusal } from './algorithm-policy.ts';
import { DER_TAG, derChildren, encodeDer, expectDer, readDer } from './der.ts';
import { DomusError } from './domus-error.ts';
import { addressOfLeaf } from './identity.ts';
import { leafRefusal } from './leaf-rules.ts';
import { parseCertificate } from './parse-certificate.ts';
import { pemBlocks } from './pem.ts';
import { CHAIN_MAX_CERTIFICATES } from './unix-messages.ts';

/** What an application gives: each part as PEM text, PEM bytes or DER bytes; `ca` and `cert` may be lists of DER or PEM. */
export interface Pkcs8AuthConfig {
  /** The certificate authorities that peers are judged by. At least one is self-signed. */
  readonly ca: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The own certificate chain, leaf first. */
  readonly cert: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The private key of the leaf, PKCS#8 version 1 or 2. */
  readonly key: string | Uint8Array;
}

/** Checked material. Immutable; rotation replaces the whole object, so that a handshake ends with what it began with. */
export interface AuthMaterial {
  /** The address that the leaf names. */
  readonly address: DomusAddr;
  /** All certificates of the CA set; the self-signed ones are the anchors. */
  readonly ca: readonly X509Certificate[];
  /** The own chain, leaf first; never empty. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
}

type Part = 'ca' | 'cert' | 'key';

/** What a key has to sign to show that it is whole. */
const PROBE = Buffer.from('flaminia/key probe');

/**
 * Parses and checks material for a transport. Throws `invalid-config` naming the part (`ca`, `cert` or `key`): unparsable,
 * empty, weak or unknown algorithms, no self-signed certificate in the CA set, a key that is not the leaf's, a leaf that
 * is a CA, lacks a purpose or does not name exactly one address of this kind, a chain too long for a Unix socket. Buffers
 * made on the way are wiped; those of the caller are left alone.
 */
export function loadAuthMaterial(config: Pkcs8AuthConfig, kind: 'tcp' | 'unix'): AuthMaterial {
  const ca = readCertificates(config.ca, 'ca');
  const [leaf, ...rest] = readCertificates(config.cert, 'cert');
  if (leaf === undefined) throw invalid('cert', 'holds no certificate');
  if (kind === 'unix' && rest.length >= CHAIN_MAX_CERTIFICATES) {
    const most = `a Unix socket carries at most ${CHAIN_MAX_CERTIFICATES}`;
    throw invalid('cert', `holds ${rest.length + 1} certificates, and ${most}`);
  }
  if (!ca.some(isSelfSigned)) throw invalid('ca', 'holds no self-signed certificate, so there is no anchor of trust');
  const key = readKey(config.key);
  if (!belongs(key, leaf)) throw invalid('key', 'does not belong to the first certificate of cert');
  return Object.freeze({
    address: checkLeaf(leaf, kind),
    ca: Object.freeze(ca),
    chain: Object.freeze([leaf, ...rest] as const),
    key,
  });
}

/** A file of a key may hold the public half of another: so it has to sign. */
function belongs(key: KeyObject, leaf: X509Certificate): boolean {
  if (!leaf.checkPrivateKey(key)) return false;
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return verify(digest, PROBE, leaf.publicKey, sign(digest, PROBE, key));
}

/** Throws `address-mismatch` unless the material is that of `address`. */
export function requireAddress(material: AuthMaterial, address: DomusAddr): void {
  if (material.address === address) return;
  throw new DomusError('address-mismatch', `the certificate names ${material.address}, not ${address}`, {
    detail: 'cert',
  });
}

/** Whether a certificate is its own issuer, and so may be an anchor. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function checkLeaf(leaf: X509Certificate, kind: 'tcp' | 'unix'): DomusAddr {
  try {
    const refusal = leafRefusal(leaf);
    if (refusal !== undefined) throw invalid('cert', `begins with a certificate that ${refusal}`);
    return addressOfLeaf(leaf, kind);
  } catch (error) {
    throw DomusError.is(error) && error.kind === 'protocol-violation'
      ? invalid('cert', plainText(error), error)
      : error;
  }
}

function readCertificates(given: Pkcs8AuthConfig['ca'], part: Part): X509Certificate[] {
  const sources = typeof given === 'string' || given instanceof Uint8Array ? [given] : given;
  if (!Array.isArray(sources)) throw invalid(part, 'must be PEM text, bytes, or a list of these');
  const certificates = sources.flatMap((source) => certificateBytes(source, part)).map((der) => parse(der, part));
  if (certificates.length === 0) throw invalid(part, `holds no certificate${hintOf(sources)}`);
  return certificates;
}

/** A text without a PEM block is most often the path of a file that has one. */
function hintOf(sources: readonly unknown[]): string {
  const isPath = (source: unknown): boolean => typeof source === 'string' && /^[^\n]+$/.test(source);
  return sources.some(isPath) ? '; it takes the PEM text itself, not the path of a file' : '';
}

function certificateBytes(source: unknown, part: Part): Buffer[] {
  if (isDer(source)) return [bufferOf(source)];
  const blocks = pemBlocks(textOf(source, part));
  if (blocks === undefined) throw invalid(part, 'holds a damaged PEM block');
  for (const block of blocks) if (block.label !== 'CERTIFICATE') block.der.fill(0); // A key may stand in the same file.
  return blocks.filter((block) => block.label === 'CERTIFICATE').map((block) => block.der);
}

function parse(der: Buffer, part: Part): X509Certificate {
  let certificate: X509Certificate;
  let refusal: string | undefined;
  try {
    certificate = parseCertificate(der);
    refusal = algorithmRefusal(certificate);
  } catch (cause) {
    throw invalid(part, 'holds a certificate that cannot be parsed', cause);
  }
  if (refusal !== undefined) throw invalid(part, `certificate ${subjectOf(certificate)} ${refusal}`);
  return certificate;
}

/** For texts. Node gives undefined for a subject without attributes, whatever its types say. */
function subjectOf({ subject }: { readonly subject: string | undefined }): string {
  return JSON.stringify(subject?.replaceAll('\n', ', ') ?? '');
}

function readKey(source: unknown): KeyObject {
  const given = keyBytes(source);
  let plain: Buffer | undefined;
  let key: KeyObject;
  try {
    plain = asVersion1(given);
    key = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
  } catch {
    // No cause: the errors of parsers may quote what they were given.
    throw invalid('key', 'must be a PKCS#8 private key, and cannot be parsed as one');
  } finally {
    given.fill(0);
    plain?.fill(0);
  }
  const refusal = keyRefusal(key);
  if (refusal !== undefined) throw invalid('key', refusal);
  return key;
}

/** The DER of the key, in a buffer of our own. */
function keyBytes(source: unknown): Buffer {
  if (isDer(source)) return Buffer.from(source);
  const blocks = pemBlocks(textOf(source, 'key')) ?? [];
  const keys = blocks.filter((block) => block.label.endsWith('PRIVATE KEY'));
  const [only] = keys;
  if (only !== undefined && keys.length === 1 && only.label === 'PRIVATE KEY') return only.der;
  for (const block of blocks) block.der.fill(0);
  if (only === undefined) throw invalid('key', `holds no PEM block "PRIVATE KEY"${hintOf([source])}`);
  if (keys.length > 1) throw invalid('key', `must hold one private key, got ${keys.length}`);
  throw invalid('key', `must be an unencrypted PKCS#8 "PRIVATE KEY", got "${only.label}"`);
}

/**
 * PKCS#8 version 2 (RFC 5958) is version 1 with the public key behind it, and Node 20 reads version 1 alone: so the
 * first three fields are written again under version 1.
 */
function asVersion1(der: Buffer): Buffer {
  const [version, algorithm, privateKey] = derChildren(expectDer(readDer(der), DER_TAG.sequence, 'PKCS#8'));
  expectDer(version, DER_TAG.integer, 'version');
  return encodeDer(
    DER_TAG.sequence,
    Uint8Array.of(DER_TAG.integer, 1, 0),
    expectDer(algorithm, DER_TAG.sequence, 'algorithm').encoded,
    expectDer(privateKey, DER_TAG.octetString, 'private key').encoded,
  );
}

/** The tag is also the digit `0`, with which the text before a PEM block may begin. */
function isDer(source: unknown): source is Uint8Array {
  return source instanceof Uint8Array && source[0] === DER_TAG.sequence && !bufferOf(source).includes('-----BEGIN ');
}

function textOf(source: unknown, part: Part): string {
  if (typeof source === 'string') return source;
  if (source instanceof Uint8Array) return bufferOf(source).toString('latin1');
  throw invalid(part, `must be PEM text or bytes, got ${source === null ? 'null' : typeof source}`);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The text of an error without the word for its kind. */
function plainText(error: DomusError): string {
  return error.message.slice(error.kind.length + 2);
}

function invalid(part: Part, text: string, cause?: unknown): DomusError {
  return new DomusError('invalid-config', `auth material: ${part} ${text}`, { detail: part, cause });
}
