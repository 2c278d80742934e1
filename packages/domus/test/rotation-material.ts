/** What the tests of rotation issue: leaves of old and new authorities, certificates of any dates, and files of both. */
import { X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Authority, createAuthority, issueAuth, type PemMaterial } from '@flaminia/certificates';
import { type CertificateRequest, domusExtensions, issueCertificate } from '@flaminia/certificates/internal';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Domus } from '../src/domus.ts';
import { Numbers, Others } from './memory-bench.ts';

const DAY_MS = 86_400_000;

/** Two authorities, the one that is to go and the one that is to come. */
export interface Authorities {
  readonly old: Authority;
  readonly next: Authority;
}

export async function authorities(): Promise<Authorities> {
  const [old, next] = await Promise.all(['old', 'next'].map((name) => createAuthority({ name })));
  return { old: old!, next: next! };
}

/** A fresh leaf of `issuer` for an address, trusting it and `alsoTrusted`. */
export async function freshMaterial(
  address: DomusAddr,
  issuer: Authority,
  alsoTrusted: readonly Authority[] = [],
): Promise<PemMaterial> {
  const material = await issueAuth({ ca: issuer, nodeId: 'node', nodeType: 'test' })(address);
  return { ...material, ca: [material.ca, ...alsoTrusted.map(({ certificates }) => certificates.at(-1)!)].join('') };
}

/** Material whose leaf ran out a day ago. */
export function expiredMaterial(address: DomusAddr, issuer: Authority): Promise<PemMaterial> {
  return oddMaterial(address, issuer, { notAfter: new Date(Date.now() - DAY_MS) });
}

/** Material whose leaf has no subject, as authorities issue them that know alternative names alone. */
export function namelessMaterial(address: DomusAddr, issuer: Authority): Promise<PemMaterial> {
  return oddMaterial(address, issuer, { subject: [] });
}

async function oddMaterial(
  address: DomusAddr,
  issuer: Authority,
  over: Partial<CertificateRequest>,
): Promise<PemMaterial> {
  const now = Date.now();
  const issued = await issueCertificate({
    subject: [{ type: 'CN', value: 'node' }],
    issuer: { certificate: new X509Certificate(issuer.certificates[0]), key: issuer.key },
    notBefore: new Date(now - 2 * DAY_MS),
    notAfter: new Date(now + DAY_MS),
    extensions: domusExtensions(address),
    ...over,
  });
  return { ca: issuer.certificates[0], cert: issued.certificatePem, key: issued.privateKeyPem };
}

/** Has a domus take material while it is good: the leaf of one that lives on runs out later. */
export async function reloadInTime(t: TestContext, domus: Domus, material: PemMaterial): Promise<void> {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse(new X509Certificate(material.cert).validTo) - 1 });
  await domus.reloadAuth(material);
  t.mock.timers.reset();
}

export function serialOf({ cert }: { readonly cert: string }): string {
  return new X509Certificate(cert).serialNumber;
}

/**
 * The serial number of the certificate that `shown` shows to `peer`, on the connection that there is, or on one that
 * `dialler` makes.
 */
export async function serialSeenBy(peer: Domus, shown: Domus, dialler: Domus = peer): Promise<string | undefined> {
  if (dialler === peer) await peer.send(Numbers, 1, { to: shown.address });
  let seen: string | undefined;
  const serving = await peer.serve(Others, (_, { from }) => {
    seen = from.certificate?.serialNumber;
  });
  await shown.send(Others, 1, { to: peer.address });
  await serving.close();
  return seen;
}
