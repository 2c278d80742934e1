/**
 * What the certificates of an imperium (fabric) hold: the profile of an authority, and that of the leaf of a domus
 * (node), as A0 wants it (a0-transport, auth material).
 */
import type { X509Certificate } from 'node:crypto';
import { type DomusAddr, DomusError, parseAddress } from '@flaminia/transport-a0';
import { type AlternativeName, type CertificateExtension, KEY_PURPOSES } from './extension.ts';

/** The extensions of a certificate authority. `pathLength` bounds the intermediates below it; absent: no bound. */
export function authorityExtensions(options: { readonly pathLength?: number } = {}): CertificateExtension[] {
  return [
    { kind: 'basic-constraints', ca: true, ...options },
    { kind: 'key-usage', usages: ['keyCertSign', 'cRLSign'] },
    { kind: 'subject-key-identifier' },
    { kind: 'authority-key-identifier' },
  ];
}

/**
 * The extensions of a leaf that names `address`. Both key purposes, because every domus dials and listens.
 * `extraNames` stand behind the names that A0 reads.
 */
export function domusExtensions(
  address: DomusAddr,
  extraNames: readonly AlternativeName[] = [],
): CertificateExtension[] {
  return [
    { kind: 'basic-constraints', ca: false },
    { kind: 'key-usage', usages: ['digitalSignature'] },
    { kind: 'extended-key-usage', usages: [KEY_PURPOSES.clientAuth, KEY_PURPOSES.serverAuth] },
    { kind: 'subject-alternative-name', names: [...domusNames(address), ...extraNames] },
    { kind: 'subject-key-identifier' },
    { kind: 'authority-key-identifier' },
  ];
}

/** The alternative names by which A0 knows a domus: a URI with its address, and for TCP its ip. */
export function domusNames(address: DomusAddr): AlternativeName[] {
  const parsed = parseAddress(address);
  const uri: AlternativeName = { kind: 'uri', value: `aurelia+${parsed.text}` };
  return parsed.kind === 'tcp' ? [uri, { kind: 'ip', value: parsed.ip }] : [uri];
}

/** How far certificates are backdated, in milliseconds: clocks of one imperium may differ by so much. */
const BACKDATED_MS = 60_000;

/**
 * The dates of a certificate that shall live for `ttlMs` from `now`. It ends no later than its issuer; throws
 * `invalid-config` where the issuer has ended already.
 */
export function validity(now: number, ttlMs: number, issuer?: X509Certificate): { notBefore: Date; notAfter: Date } {
  const issuerEnd = issuer === undefined ? Number.POSITIVE_INFINITY : Date.parse(issuer.validTo);
  if (issuerEnd <= now) {
    throw new DomusError('invalid-config', `the authority expired at ${new Date(issuerEnd).toISOString()}`, {
      detail: 'authority-expired',
    });
  }
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(Math.min(now + ttlMs, issuerEnd)) };
}
