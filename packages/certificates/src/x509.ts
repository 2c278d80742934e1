/**
 * The only user of @peculiar/x509 in Flaminia, loaded by the first certificate that a process issues, since it takes
 * about 80 ms and most processes never issue one. Owns the library, its polyfill and its crypto provider.
 *
 * 1. `reflect-metadata` comes before @peculiar/x509, which throws at import without it.
 * 2. The provider is Node's own WebCrypto, handed to each call. The library's process-wide provider is neither
 *    read nor set: an application may use the library with a provider of its own (docs/decisions/0003-certificates.md).
 */
import 'reflect-metadata';
import { createPublicKey, type KeyObject, webcrypto, type X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CertificateRequest, DistinguishedName } from './certificate-request.ts';
import { DER_TAGS, derValue } from './der.ts';
import type { AlternativeName, CertificateExtension } from './extension.ts';

type SigningAlgorithm = webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams;

/** Signs the certificate that `request` describes for the public half of `key`; gives its DER. */
export async function signCertificate(request: CertificateRequest, key: KeyObject, serial: string): Promise<Buffer> {
  const publicKey = publicKeyOf(key);
  const issuer = request.issuer === undefined ? undefined : new x509.X509Certificate(request.issuer.certificate.raw);
  const subject = nameOf(request.subject);
  const signer = await signerOf(request, request.issuer?.key ?? key);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial,
      subject,
      issuer: request.issuerName === undefined ? (issuer?.subjectName ?? subject) : nameOf(request.issuerName),
      notBefore: request.notBefore,
      notAfter: request.notAfter,
      publicKey,
      extensions: await Promise.all(
        request.extensions.map((extension) => encodeExtension(extension, publicKey, issuer?.publicKey ?? publicKey)),
      ),
      signingKey: signer.key,
      signingAlgorithm: signer.algorithm,
    },
    webcrypto,
  );
  return Buffer.from(certificate.rawData);
}

/** The path length constraint of a certificate, or undefined where it has none. Node does not tell it. */
export function pathLengthOf(certificate: X509Certificate): number | undefined {
  const parsed = new x509.X509Certificate(certificate.raw);
  return parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength;
}

function publicKeyOf(key: KeyObject): x509.PublicKey {
  return new x509.PublicKey(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/** Values go in as UTF8String objects: the library would read a bare string that begins with "#" as hexadecimal. */
function nameOf(name: DistinguishedName): x509.Name {
  return new x509.Name(name.map(({ type, value }) => ({ [type]: [{ utf8String: value }] })));
}

async function signerOf(
  request: CertificateRequest,
  key: KeyObject,
): Promise<{ key: webcrypto.CryptoKey; algorithm: SigningAlgorithm }> {
  const algorithm = signingAlgorithm(request, key);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    return { key: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']), algorithm };
  } finally {
    pkcs8.fill(0);
  }
}

function signingAlgorithm(request: CertificateRequest, key: KeyObject): SigningAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
      const [namedCurve, hash] = CURVES[curve] ?? unsignable(curve);
      return { name: 'ECDSA', namedCurve, hash: request.signatureHash ?? hash } as SigningAlgorithm;
    }
    case 'rsa': {
      const hash = request.signatureHash ?? 'SHA-256';
      if (request.signaturePadding !== 'pss') return { name: 'RSASSA-PKCS1-v1_5', hash };
      return { name: 'RSA-PSS', hash, saltLength: 32 } as SigningAlgorithm;
    }
    case 'ed25519':
      return { name: 'Ed25519' } as SigningAlgorithm;
    default:
      return unsignable(key.asymmetricKeyType);
  }
}

/** Node's names of the curves, WebCrypto's, and the hash that goes with each. */
const CURVES: Readonly<Record<string, readonly [namedCurve: string, hash: string]>> = {
  prime256v1: ['P-256', 'SHA-256'],
  secp384r1: ['P-384', 'SHA-384'],
  secp521r1: ['P-521', 'SHA-512'],
};

function unsignable(kind: string | undefined): never {
  throw new Error(`no certificate can be signed with a key of kind ${kind}`);
}

async function encodeExtension(
  extension: CertificateExtension,
  subjectKey: x509.PublicKey,
  issuerKey: x509.PublicKey,
): Promise<x509.Extension> {
  switch (extension.kind) {
    case 'basic-constraints':
      return new x509.BasicConstraintsExtension(extension.ca, extension.pathLength, extension.critical ?? true);
    case 'key-usage': {
      const flags = extension.usages.reduce((sum, usage) => sum | x509.KeyUsageFlags[usage], 0);
      return new x509.KeyUsagesExtension(flags, extension.critical ?? true);
    }
    case 'extended-key-usage':
      return new x509.ExtendedKeyUsageExtension([...extension.usages], extension.critical ?? false);
    case 'subject-alternative-name':
      return new x509.SubjectAlternativeNameExtension(extension.names.map(generalName), extension.critical ?? false);
    case 'subject-key-identifier':
      return new x509.SubjectKeyIdentifierExtension(
        await keyIdentifier(extension.id, subjectKey),
        extension.critical ?? false,
      );
    case 'authority-key-identifier':
      return new x509.AuthorityKeyIdentifierExtension(
        await keyIdentifier(extension.id, issuerKey),
        extension.critical ?? false,
      );
    case 'name-constraints':
      return new x509.Extension('2.5.29.30', extension.critical ?? true, nameConstraints(extension));
    case 'raw':
      return new x509.Extension(extension.oid, extension.critical ?? false, Buffer.from(extension.value));
  }
}

async function keyIdentifier(id: Uint8Array | undefined, key: x509.PublicKey): Promise<string> {
  const octets = id ?? new Uint8Array(await key.getKeyIdentifier(webcrypto));
  return Buffer.from(octets).toString('hex');
}

function generalName(name: AlternativeName): x509.JsonGeneralName {
  return { type: name.kind === 'uri' ? 'url' : name.kind, value: name.value };
}

/** RFC 5280, 4.2.1.10: permitted subtrees under tag 0, excluded ones under tag 1; each subtree is its base name alone. */
function nameConstraints(constraints: {
  readonly permitted?: readonly AlternativeName[];
  readonly excluded?: readonly AlternativeName[];
}): Buffer {
  const subtrees = (tag: number, names: readonly AlternativeName[] = []): Buffer[] =>
    names.length === 0
      ? []
      : [derValue(tag, ...names.map((name) => derValue(DER_TAGS.sequence, constraintBase(name))))];
  return derValue(DER_TAGS.sequence, ...subtrees(0xa0, constraints.permitted), ...subtrees(0xa1, constraints.excluded));
}

/** The base of an ip subtree is an address and a mask, which the library does not write: given as `10.0.0.0/255.0.0.0`. */
function constraintBase(name: AlternativeName): Buffer {
  if (name.kind !== 'ip') {
    const { type, value } = generalName(name);
    return Buffer.from(new x509.GeneralName(type, value).rawData);
  }
  const octets = name.value.split(/[./]/).map(Number);
  return derValue(0x87, Buffer.from(octets));
}
