/**
 * Judges certificate chains where no TLS does it: on Unix sockets (a0-transport, auth material).
 *
 * It builds one path from the leaf to an anchor, and judges every certificate on it. Its verdicts are those of OpenSSL for
 * the purposes of TLS client and TLS server together, or stricter: so both transports trust alike. Who the leaf is, and
 * whether the peer has its key, is judged elsewhere. There is no revocation.
 *
 * 1. Anchors are the self-signed certificates of the CA set. What a peer presents, and the other certificates of the set,
 *    only help to get there; the set is asked first.
 * 2. Work is bounded: the path is built without turning back, holds no certificate twice and at most `PATH_MAX` of them,
 *    and each is judged once.
 * 3. Signatures are verified from the anchor down, so no key is used before something trusted has vouched for it: what a
 *    stranger presents costs no more than reading it.
 * 4. What is not understood is refused: an unknown critical extension, one that would narrow the path in a way that is
 *    not followed here, a malformed field.
 */
import type { X509Certificate } from 'node:crypto';
import { hasStrongSignature, publicKeyRefusal } from './algorithm-policy.ts';
import { isSelfSigned } from './auth-material.ts';
import { certificateDates } from './certificate-dates.ts';
import {
  type CertificateFields,
  certificateFields,
  EXTENSION,
  extensionOf,
  KEY_PURPOSE,
  keyPurposes,
} from './certificate-fields.ts';
import { DER_TAG, derChildren, derSmallInteger, expectDer, readDer } from './der.ts';
import { DomusError } from './domus-error.ts';
import { isAuthority, leafRefusal } from './leaf-rules.ts';

/** What is to be judged. */
export interface ChainQuestion {
  /** What the peer presented, leaf first; the rest in any order. Callers bound its length. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** The CA set of the own auth material. */
  readonly ca: readonly X509Certificate[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Why a chain is refused. */
export type ChainRefusal =
  /** The DER of a certificate does not hold what it must. */
  | 'malformed'
  /** No way leads from the leaf to a self-signed certificate of the CA set. */
  | 'no-anchor'
  | 'path-too-long'
  | 'bad-signature'
  | 'not-yet-valid'
  | 'expired'
  /** A key or a signature of a kind that A0 does not take. */
  | 'algorithm'
  /** The leaf may not be that of a domus. */
  | 'unfit-leaf'
  /** An issuer may not be one. */
  | 'unfit-issuer'
  /** An extension that is critical and unknown, or known and not followed. */
  | 'extension';

export type ChainVerdict =
  /** Leaf first, anchor last. */
  | { readonly kind: 'valid'; readonly path: readonly X509Certificate[] }
  /** `text` follows "the chain is refused: ". */
  | { readonly kind: 'refused'; readonly reason: ChainRefusal; readonly text: string };

type Refused = Extract<ChainVerdict, { kind: 'refused' }>;

/** Most certificates on a path, leaf and anchor included. */
export const PATH_MAX = 16;

/** Judges a chain. Never throws: a malformed certificate is a refusal. */
export function validateChain(question: ChainQuestion): ChainVerdict {
  try {
    const built = buildPath(question);
    if (built.kind === 'refused') return built;
    const { path } = built;
    for (const [index, certificate] of path.entries()) {
      const refusal = refusalAt(index, certificate, question.nowMs);
      if (refusal !== undefined) {
        return refused(refusal.reason, `certificate ${index + 1} of ${path.length} ${refusal.text}`);
      }
    }
    return signatureRefusal(path) ?? built;
  } catch (error) {
    if (DomusError.is(error) && error.detail === 'malformed-der') return refused('malformed', error.message);
    throw error;
  }
}

function buildPath(question: ChainQuestion): ChainVerdict {
  const path: X509Certificate[] = [question.chain[0]];
  for (let last = question.chain[0]; path.length === 1 || !isAnchor(last, question); ) {
    if (path.length === PATH_MAX) return refused('path-too-long', `no anchor within ${PATH_MAX} certificates`);
    const issuer = issuerOf(last, path, question);
    if (issuer === undefined) return refused('no-anchor', `nobody known has issued certificate ${path.length}`);
    path.push(issuer);
    last = issuer;
  }
  return { kind: 'valid', path };
}

function isAnchor(certificate: X509Certificate, { ca }: ChainQuestion): boolean {
  return ca.includes(certificate) && isSelfSigned(certificate);
}

/**
 * Who issued a certificate, by name and key identifier. Of several the first whose dates hold, as OpenSSL does. Where the
 * CA set itself holds several of one name, the signature decides: an authority made anew under its old name must not
 * hide the other, and these keys are trusted, so trying them is safe.
 */
function issuerOf(
  certificate: X509Certificate,
  path: readonly X509Certificate[],
  { chain, ca, nowMs }: ChainQuestion,
): X509Certificate | undefined {
  const fits = (candidate: X509Certificate): boolean =>
    certificate.checkIssued(candidate) && !path.some((used) => used.raw.equals(candidate.raw));
  const known = ca.filter((candidate) => fits(candidate) && isSigned(certificate, candidate));
  const candidates = known.length > 0 ? known : chain.filter(fits);
  return candidates.find((candidate) => dateRefusal(candidate, nowMs) === undefined) ?? candidates[0];
}

function isSigned(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return publicKeyRefusal(issuer) === undefined && certificate.verify(issuer.publicKey);
}

function signatureRefusal(path: readonly X509Certificate[]): Refused | undefined {
  for (let index = path.length - 2; index >= 0; index--) {
    if (isSigned(path[index]!, path[index + 1]!)) continue;
    return refused('bad-signature', `certificate ${index + 1} of ${path.length} is not signed by its issuer`);
  }
  return undefined;
}

interface Refusal {
  readonly reason: ChainRefusal;
  readonly text: string;
}

function refusalAt(index: number, certificate: X509Certificate, nowMs: number): Refusal | undefined {
  const fields = certificateFields(certificate);
  return (
    dateRefusal(certificate, nowMs) ??
    algorithmRefusal(certificate, fields) ??
    extensionRefusal(fields) ??
    (index === 0 ? unfitLeaf(certificate, fields) : unfitIssuer(fields, index - 1))
  );
}

/** At the very second of notAfter a certificate has ended, as OpenSSL reads it. */
function dateRefusal(certificate: X509Certificate, nowMs: number): Refusal | undefined {
  const { notBeforeMs, notAfterMs } = certificateDates(certificate);
  if (nowMs < notBeforeMs) return { reason: 'not-yet-valid', text: 'is not valid yet' };
  return nowMs < notAfterMs ? undefined : { reason: 'expired', text: 'has expired' };
}

function algorithmRefusal(certificate: X509Certificate, { keyAlgorithm }: CertificateFields): Refusal | undefined {
  const text = publicKeyRefusal(certificate);
  if (text !== undefined) return { reason: 'algorithm', text };
  if (keyAlgorithm.oid === EC_KEY && keyAlgorithm.parameters?.tag !== DER_TAG.objectIdentifier) {
    return { reason: 'algorithm', text: 'spells its curve out instead of naming it' };
  }
  return hasStrongSignature(certificate)
    ? undefined
    : { reason: 'algorithm', text: 'is not signed with SHA-256, SHA-384, SHA-512 or Ed25519' };
}

function extensionRefusal(fields: CertificateFields): Refusal | undefined {
  for (const { oid, critical } of fields.extensions) {
    const name = NOT_FOLLOWED.get(oid);
    if (name !== undefined) return { reason: 'extension', text: `has ${name}, which are not followed` };
    if (critical && !UNDERSTOOD.has(oid)) {
      return { reason: 'extension', text: `has the critical extension ${oid}, which is unknown` };
    }
  }
  return undefined;
}

function unfitLeaf(leaf: X509Certificate, fields: CertificateFields): Refusal | undefined {
  const text = leafRefusal(leaf) ?? (servesNetscape(fields) ? undefined : 'has a Netscape type for other purposes');
  return text === undefined ? undefined : { reason: 'unfit-leaf', text };
}

/** `below` counts the authorities between this one and the leaf; those that issued themselves count too. */
function unfitIssuer(fields: CertificateFields, below: number): Refusal | undefined {
  const refusal = (text: string): Refusal => ({ reason: 'unfit-issuer', text });
  if (!isAuthority(fields)) return refusal('has issued, and is not that of an authority');
  if (!hasBits(fields, EXTENSION.keyUsage, KEY_CERT_SIGN)) return refusal('has a key usage without keyCertSign');
  if (!servesBothRoles(keyPurposes(fields)))
    return refusal('has an extended key usage without clientAuth and serverAuth');
  if (below > pathLength(fields)) return refusal('allows fewer authorities below it');
  return undefined;
}

/** OpenSSL lets the purposes of an authority bound those of what it issues. */
function servesBothRoles(purposes: readonly string[] | undefined): boolean {
  if (purposes === undefined) return true;
  return purposes.includes(KEY_PURPOSE.clientAuth) && purposes.includes(KEY_PURPOSE.serverAuth);
}

function pathLength(fields: CertificateFields): number {
  const extension = extensionOf(fields, EXTENSION.basicConstraints);
  if (extension === undefined) return 0;
  const [, length] = derChildren(expectDer(readDer(extension.value), DER_TAG.sequence, 'basic constraints'));
  return length === undefined ? Number.POSITIVE_INFINITY : derSmallInteger(length);
}

function servesNetscape(fields: CertificateFields): boolean {
  return hasBits(fields, NETSCAPE_TYPE, NETSCAPE_CLIENT_AND_SERVER);
}

/** Whether all bits of `mask` are set in the first octet of a bit string, or the extension is absent. */
function hasBits(fields: CertificateFields, oid: string, mask: number): boolean {
  const extension = extensionOf(fields, oid);
  if (extension === undefined) return true;
  const [, first = 0] = expectDer(readDer(extension.value), DER_TAG.bitString, 'bits of usage').content;
  return (first & mask) === mask;
}

function refused(reason: ChainRefusal, text: string): Refused {
  return { kind: 'refused', reason, text };
}

const EC_KEY = '1.2.840.10045.2.1';
const KEY_CERT_SIGN = 0x04;
const NETSCAPE_TYPE = '2.16.840.1.113730.1.1';
const NETSCAPE_CLIENT_AND_SERVER = 0xc0;
/** Extensions that may be critical. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.extendedKeyUsage,
]);
/** Extensions that OpenSSL enforces even where they are not critical. */
const NOT_FOLLOWED: ReadonlyMap<string, string> = new Map([
  [EXTENSION.nameConstraints, 'name constraints'],
  ['1.3.6.1.5.5.7.1.7', 'blocks of IP addresses'],
  ['1.3.6.1.5.5.7.1.8', 'numbers of autonomous systems'],
  ['1.3.6.1.5.5.7.1.14', 'the terms of a proxy certificate'],
]);
