/** Making certificates for the table of chains: each part in the caller's hands, and some changed after they were signed. */
import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import {
  authorityExtensions,
  type CertificateExtension,
  type CertificateRequest,
  domusExtensions,
  type IssuedCertificate,
  issueCertificate,
  type KeyUsage,
} from '@flaminia/certificates/internal';
import { DER_TAG, derChildren, encodeDer, readDer } from '../src/der.ts';

/** The moment at which all cases are judged. Certificates live for a day before and a day behind it. */
export const CASES_NOW_MS: number = Date.UTC(2026, 0, 1, 12);
export const DAY_MS = 86_400_000;

/** A certificate that can issue. */
export type Made = Pick<IssuedCertificate, 'certificate' | 'key'>;
/** What a certificate has of its own. */
export type Over = Partial<CertificateRequest>;

/** The extensions of a good authority and of a good leaf. */
export const AUTHORITY: readonly CertificateExtension[] = authorityExtensions();
export const LEAF: readonly CertificateExtension[] = domusExtensions('unix:///run/flaminia/node.sock');

function make(over: Over): Promise<Made> {
  return issueCertificate({
    subject: named('nobody'),
    notBefore: new Date(CASES_NOW_MS - DAY_MS),
    notAfter: new Date(CASES_NOW_MS + DAY_MS),
    extensions: [],
    ...over,
  });
}

export function makeRoot(over: Over = {}): Promise<Made> {
  return make({ subject: named('root'), extensions: AUTHORITY, ...over });
}

export function makeSub(issuer: Made, name = 'sub', over: Over = {}): Promise<Made> {
  return make({ subject: named(name), issuer, extensions: AUTHORITY, ...over });
}

/** Below `issuer`, or signed by itself. */
export function makeLeaf(issuer: Made | undefined, over: Over = {}): Promise<Made> {
  return make({ subject: named('node'), extensions: LEAF, ...(issuer && { issuer }), ...over });
}

/** `count` authorities, each below the one before it. */
export async function makeSubs(root: Made, count: number): Promise<Made[]> {
  const subs: Made[] = [];
  for (let issuer = root; subs.length < count; issuer = subs.at(-1)!)
    subs.push(await makeSub(issuer, `sub ${subs.length}`));
  return subs;
}

/** A leaf below two authorities that issued each other. */
export async function makeLoop(): Promise<Made[]> {
  const first = await makeRoot({ subject: named('left') });
  const right = await makeSub(first, 'right');
  const left = await makeSub(right, 'left', { key: first.key });
  return [await makeLeaf(right), right, left];
}

/** A leaf that names another key of its issuer than the one that signed. */
export function misledLeaf(issuer: Made): Promise<Made> {
  const stray: CertificateExtension = { kind: 'authority-key-identifier', id: Buffer.alloc(20, 1) };
  return makeLeaf(issuer, { extensions: [...without(LEAF, 'authority-key-identifier'), stray] });
}

export function named(value: string): CertificateRequest['subject'] {
  return [{ type: 'CN', value }];
}

export function without(
  extensions: readonly CertificateExtension[],
  kind: CertificateExtension['kind'],
): CertificateExtension[] {
  return extensions.filter((extension) => extension.kind !== kind);
}

export function keyless(extensions: readonly CertificateExtension[]): CertificateExtension[] {
  return extensions.filter((extension) => !extension.kind.endsWith('key-identifier'));
}

export function plus(extensions: readonly CertificateExtension[], extension: CertificateExtension): Over {
  return { extensions: [...extensions, extension] };
}

export function purposes(...oids: string[]): Over {
  return { extensions: [...without(LEAF, 'extended-key-usage'), { kind: 'extended-key-usage', usages: oids }] };
}

export function usages(extensions: readonly CertificateExtension[], ...list: KeyUsage[]): CertificateExtension[] {
  return [...without(extensions, 'key-usage'), { kind: 'key-usage', usages: list }];
}

export function constraints(
  extensions: readonly CertificateExtension[],
  ca: boolean,
  pathLength?: number,
): CertificateExtension[] {
  const constraint = { kind: 'basic-constraints', ca, ...(pathLength === undefined ? {} : { pathLength }) } as const;
  return [...without(extensions, 'basic-constraints'), constraint];
}

export function raw(oid: string, hex: string, critical = false): CertificateExtension {
  return { kind: 'raw', oid, critical, value: Buffer.from(hex, 'hex') };
}

/** The same certificate with the last bit of its signature flipped. */
export function tampered({ certificate, key }: Made): Made {
  const der = Buffer.from(certificate.raw);
  der[der.length - 1] = der[der.length - 1]! ^ 1;
  return { certificate: new X509Certificate(der), key };
}

/** The same certificate, signed anew over a changed body by `signer`; `outer` is the algorithm that stands outside. */
function signedAnew(
  { certificate, key }: Made,
  signer: KeyObject,
  change: (body: Buffer) => void,
  digest = 'sha256',
  changeOuter: (algorithm: Buffer) => void = () => {},
): Made {
  const [body, algorithm] = derChildren(readDer(certificate.raw)).map(({ encoded }) => Buffer.from(encoded));
  change(body!);
  changeOuter(algorithm!);
  const signature = encodeDer(DER_TAG.bitString, Buffer.of(0), sign(digest, body!, signer));
  return { certificate: new X509Certificate(encodeDer(DER_TAG.sequence, body!, algorithm!, signature)), key };
}

function replaceIn(bytes: Buffer, from: Buffer, to: Buffer): void {
  const at = bytes.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error('nothing to replace');
  to.copy(bytes, at);
}

const MADE_IN = Buffer.from('251231120000Z');

export function thirteenthMonth(leaf: Made, signer: KeyObject): Made {
  return signedAnew(leaf, signer, (body) => replaceIn(body, MADE_IN, Buffer.from('251331120000Z')));
}

/** ECDSA with SHA-256 outside, with SHA-384 inside. */
export function mismatched(leaf: Made, signer: KeyObject): Made {
  const [sha256, sha384] = ['2a8648ce3d040302', '2a8648ce3d040303'].map((hex) => Buffer.from(hex, 'hex'));
  return signedAnew(leaf, signer, (body) => replaceIn(body, sha256!, sha384!));
}

export function md5Signed(leaf: Made, signer: KeyObject): Made {
  const [sha256, md5] = ['2a864886f70d01010b', '2a864886f70d010104'].map((hex) => Buffer.from(hex, 'hex'));
  const change = (bytes: Buffer): void => replaceIn(bytes, sha256!, md5!);
  return signedAnew(leaf, signer, change, 'md5', change);
}
