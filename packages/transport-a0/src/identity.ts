/**
 * Who the other end of an authenticated stream is, as its certificate says (a0-transport, identity in the leaf).
 *
 * This file reads the claim; whether to believe it (chain, dates, key) is judged by TLS or the chain validator.
 */
import type { X509Certificate } from 'node:crypto';
import { type DomusAddr, type ParsedAddress, parseAddress } from './address.ts';
import { certificateFields, EXTENSION, extensionOf, NAME_ATTRIBUTE, subjectAttribute } from './certificate-fields.ts';
import { contextTag, DER_TAG, derChildren, derText, expectDer, readDer } from './der.ts';
import { DomusError } from './domus-error.ts';
import { parseCertificate } from './parse-certificate.ts';

/** The verified identity of a peer: the address that A0 proved, and the leaf certificate that it presented. */
export interface PeerIdentity {
  readonly address: DomusAddr;
  /** The leaf; undefined only for the in-memory backend of tests, which has no certificates. */
  readonly certificate: X509Certificate | undefined;
  /** Subject CN of the leaf, null where there is none. */
  readonly nodeId: string | null;
  /** Subject OU of the leaf, null where there is none. */
  readonly nodeType: string | null;
}

/** Schemes of the URI names that carry an address. */
const SCHEMES = {
  tcp: 'aurelia+tcp:',
  unix: 'aurelia+unix:',
} as const;

/**
 * The one address of this kind that a leaf names. URIs of other schemes, the other transport's included, are ignored.
 * Throws `protocol-violation` when there is none, when one is malformed, when two differ, or when a TCP leaf has no
 * IP name for the same ip (no dialler could accept it as a server).
 */
export function addressOfLeaf(leaf: X509Certificate, kind: 'tcp' | 'unix'): DomusAddr {
  let found: ParsedAddress | undefined;
  for (const uri of uriNames(leaf)) {
    if (!uri.startsWith(SCHEMES[kind])) continue;
    const address = addressOfUri(uri, kind);
    if (found !== undefined && found.text !== address.text) {
      throw refused('conflicting-identity', `certificate names two addresses, ${found.text} and ${address.text}`);
    }
    found = address;
  }
  if (found === undefined) throw refused('no-identity', `certificate has no ${SCHEMES[kind]}// name`);
  if (found.kind === 'tcp' && !leaf.checkIP(found.ip)) {
    throw refused('ip-name-missing', `certificate names ${found.text} but has no IP name ${found.ip}`);
  }
  return found.text;
}

/** The identity that A0 hands on: `address` must be what `certificate` was found to name. */
export function identityOf(certificate: X509Certificate, address: DomusAddr): PeerIdentity {
  return new LeafIdentity(certificate, address);
}

/**
 * Keeps the bytes of the leaf and parses them again when somebody asks: a parsed certificate takes some 7 KiB outside the
 * heap, and most of a thousand idle peers are never asked who they are.
 */
class LeafIdentity implements PeerIdentity {
  readonly address: DomusAddr;
  readonly nodeId: string | null;
  readonly nodeType: string | null;
  readonly #der: Buffer;
  #certificate: X509Certificate | undefined;

  constructor(certificate: X509Certificate, address: DomusAddr) {
    const { subject } = certificateFields(certificate);
    this.address = address;
    this.nodeId = subjectAttribute(subject, NAME_ATTRIBUTE.commonName);
    this.nodeType = subjectAttribute(subject, NAME_ATTRIBUTE.organizationalUnit);
    this.#der = certificate.raw;
    Object.freeze(this);
  }

  get certificate(): X509Certificate {
    this.#certificate ??= parseCertificate(this.#der);
    return this.#certificate;
  }
}

/** Reads the URIs of the extension itself: Node's text form quotes odd characters, and a parser of that could be misled. */
function uriNames(leaf: X509Certificate): string[] {
  const extension = extensionOf(certificateFields(leaf), EXTENSION.subjectAltName);
  if (extension === undefined) return [];
  const names = derChildren(expectDer(readDer(extension.value), DER_TAG.sequence, 'subject alternative name'));
  const uriTag = contextTag(6, 'primitive');
  // No DER, but other parsers read a name of several pieces.
  if (names.some(({ tag }) => tag === contextTag(6, 'constructed')))
    throw refused('malformed-identity', 'certificate holds a name in pieces');
  return names.filter((name) => name.tag === uriTag).map((name) => derText(name.content));
}

function addressOfUri(uri: string, kind: 'tcp' | 'unix'): ParsedAddress {
  let address: ParsedAddress;
  try {
    address = parseAddress(`${kind}:${uri.slice(SCHEMES[kind].length)}`);
  } catch (cause) {
    throw refused(
      'malformed-identity',
      `certificate holds a malformed name ${JSON.stringify(uri.slice(0, 200))}`,
      cause,
    );
  }
  if (address.kind === 'tcp' && (address.port === 0 || address.ip.startsWith('::ffff:'))) {
    // Nobody can be dialled at port 0, and an IPv4-mapped ip would give one domus two identities.
    throw refused('malformed-identity', `certificate names ${address.text}, which cannot be an identity`);
  }
  return address;
}

function refused(detail: string, message: string, cause?: unknown): DomusError {
  return new DomusError('protocol-violation', message, { detail, cause });
}
