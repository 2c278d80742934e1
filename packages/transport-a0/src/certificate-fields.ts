/**
 * The parts of a certificate that Node's `X509Certificate` does not show, or shows only as text to be parsed again:
 * the algorithms, the dates, the subject and the extensions, read from the DER (RFC 5280, section 4.1).
 */
import type { X509Certificate } from 'node:crypto';
import {
  contextTag,
  DER_TAG,
  type DerElement,
  derBoolean,
  derChildren,
  derObjectIdentifier,
  derText,
  expectDer,
  readDer,
} from './der.ts';
import { DomusError } from './domus-error.ts';

/** Identifiers of the extensions that A0 reads. */
export const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Identifiers of the attributes of a name that A0 reads. */
export const NAME_ATTRIBUTE = { commonName: '2.5.4.3', organizationalUnit: '2.5.4.11' } as const;

/** Purposes that an extended key usage may hold. */
export const KEY_PURPOSE = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;

/** UTF8String, PrintableString, IA5String. */
const TEXT_TAGS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x16]);

/** One extension; `value` is the DER inside its OCTET STRING. */
export interface CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/** An algorithm identifier. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: DerElement | undefined;
}

export interface CertificateFields {
  /** How the issuer signed. */
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** The two dates, not yet read. */
  readonly validity: DerElement;
  /** The subject's name. */
  readonly subject: DerElement;
  /** What kind of key the subject has. */
  readonly keyAlgorithm: AlgorithmIdentifier;
  /** In the order of the certificate; no identifier twice. */
  readonly extensions: readonly CertificateExtension[];
}

/** A handshake looks at one certificate several times. */
const known = new WeakMap<X509Certificate, CertificateFields>();

/** Reads the fields; throws `protocol-violation` where the DER is malformed or an extension stands there twice. */
export function certificateFields(certificate: X509Certificate): CertificateFields {
  let fields = known.get(certificate);
  if (fields === undefined) {
    fields = readFields(certificate);
    known.set(certificate, fields);
  }
  return fields;
}

function readFields(certificate: X509Certificate): CertificateFields {
  const [body, algorithm] = derChildren(expectDer(readDer(certificate.raw), DER_TAG.sequence, 'certificate'));
  const parts = derChildren(expectDer(body, DER_TAG.sequence, 'certificate body'));
  const wrapper = parts.find((part) => part.tag === contextTag(3, 'constructed'));
  // The version is absent in certificates of version 1.
  const [validity, subject, publicKey] = parts.slice(parts[0]?.tag === contextTag(0, 'constructed') ? 4 : 3);
  const [keyAlgorithm] = derChildren(expectDer(publicKey, DER_TAG.sequence, 'public key'));
  return {
    validity: expectDer(validity, DER_TAG.sequence, 'validity'),
    subject: expectDer(subject, DER_TAG.sequence, 'subject'),
    keyAlgorithm: algorithmIdentifier(expectDer(keyAlgorithm, DER_TAG.sequence, 'key algorithm')),
    signatureAlgorithm: algorithmIdentifier(expectDer(algorithm, DER_TAG.sequence, 'signature algorithm')),
    extensions: wrapper === undefined ? [] : extensionsOf(wrapper),
  };
}

/** Finds an extension by its identifier. */
export function extensionOf(fields: CertificateFields, oid: string): CertificateExtension | undefined {
  return fields.extensions.find((extension) => extension.oid === oid);
}

/** Reads an algorithm identifier. */
export function algorithmIdentifier(element: DerElement): AlgorithmIdentifier {
  const [oid, parameters] = derChildren(element);
  return { oid: derObjectIdentifier(expectDer(oid, DER_TAG.objectIdentifier, 'algorithm')), parameters };
}

/** The purposes of the extended key usage, or undefined if the certificate has none (then it serves every purpose). */
export function keyPurposes(fields: CertificateFields): readonly string[] | undefined {
  const extension = extensionOf(fields, EXTENSION.extendedKeyUsage);
  if (extension === undefined) return undefined;
  return derChildren(expectDer(readDer(extension.value), DER_TAG.sequence, 'extended key usage')).map(
    derObjectIdentifier,
  );
}

/**
 * The first attribute of this kind in a name, or null. Text in another encoding than UTF-8 or ASCII (BMPString for
 * instance) counts as absent: it names nothing on the wire.
 */
export function subjectAttribute(subject: DerElement, oid: string): string | null {
  for (const attribute of derChildren(subject).flatMap(derChildren)) {
    const [type, value] = derChildren(attribute);
    if (derObjectIdentifier(expectDer(type, DER_TAG.objectIdentifier, 'attribute')) !== oid) continue;
    return value !== undefined && TEXT_TAGS.has(value.tag) ? textIn(value.content) : null;
  }
  return null;
}

/** Octets that are no UTF-8 are an encoding of their own, whatever the tag says. */
function textIn(content: Buffer): string | null {
  try {
    return derText(content);
  } catch {
    return null;
  }
}

function extensionsOf(wrapper: DerElement): CertificateExtension[] {
  const list = derChildren(expectDer(derChildren(wrapper)[0], DER_TAG.sequence, 'extensions'));
  const extensions = list.map(extensionAt);
  const oids = new Set(extensions.map((extension) => extension.oid));
  if (oids.size !== extensions.length) {
    throw new DomusError('protocol-violation', 'certificate holds an extension twice', { detail: 'malformed-der' });
  }
  return extensions;
}

function extensionAt(element: DerElement): CertificateExtension {
  const parts = derChildren(expectDer(element, DER_TAG.sequence, 'extension'));
  const critical = parts[1]?.tag === DER_TAG.boolean ? parts[1] : undefined;
  const value = parts[critical === undefined ? 1 : 2];
  return {
    oid: derObjectIdentifier(expectDer(parts[0], DER_TAG.objectIdentifier, 'extension identifier')),
    critical: critical !== undefined && derBoolean(critical),
    value: expectDer(value, DER_TAG.octetString, 'extension value').content,
  };
}
