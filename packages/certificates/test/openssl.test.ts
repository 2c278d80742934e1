/** What the package issues, in the eyes of OpenSSL; and that what tests break is broken in the way they meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, issueAuth } from '../src/index.ts';
import {
  authorityExtensions,
  type CertificateExtension,
  type CertificateRequest,
  domusExtensions,
  type IssuedCertificate,
  issueCertificate,
} from '../src/internal.ts';
import { describeCertificate, opensslMissing, verifyChain } from './openssl.ts';

const HOUR_MS = 3_600_000;
const VALID = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS) };
const ADDRESS = 'tcp://127.0.0.1:7000';
const skip = opensslMissing;

for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
  test(`openssl verifies a ${algorithm} chain of four, strictly and for both purposes`, { skip }, async () => {
    const root = await createAuthority({ name: 'root', algorithm, pathLength: 2 });
    const upper = await createAuthority({ name: 'upper', algorithm, parent: root });
    const lower = await createAuthority({ name: 'lower', algorithm, parent: upper, pathLength: 0 });
    const { ca, cert } = await issueAuth({ ca: lower, nodeId: 'worker-1', nodeType: 'worker', algorithm })(ADDRESS);
    assert.equal(verifyChain(ca, cert, 'sslclient'), 0);
    assert.equal(verifyChain(ca, cert, 'sslserver'), 0);
  });
}

test('[a0-auth-8] [a0-auth-17] openssl reads in a leaf what the profile says', { skip }, async () => {
  const { cert } = await issueAuth({ ca: await createAuthority(), nodeId: 'worker-1', nodeType: 'worker' })(ADDRESS);
  const text = describeCertificate(cert).replace(/\s+/g, ' ');
  for (const part of [
    'Version: 3',
    'Subject: CN = worker-1, OU = worker',
    'Signature Algorithm: ecdsa-with-SHA256',
    'X509v3 Basic Constraints: critical CA:FALSE',
    'X509v3 Key Usage: critical Digital Signature',
    'X509v3 Extended Key Usage: TLS Web Client Authentication, TLS Web Server Authentication',
    'X509v3 Subject Alternative Name: URI:aurelia+tcp://127.0.0.1:7000, IP Address:127.0.0.1',
    'X509v3 Subject Key Identifier:',
    'X509v3 Authority Key Identifier:',
  ]) {
    assert.ok(text.includes(part), `${part}\nnot in\n${text}`);
  }
});

test('openssl reads in an authority what the profile says', { skip }, async () => {
  const text = describeCertificate((await createAuthority({ pathLength: 1 })).certificates[0]).replace(/\s+/g, ' ');
  assert.ok(text.includes('X509v3 Basic Constraints: critical CA:TRUE, pathlen:1'), text);
  assert.ok(text.includes('X509v3 Key Usage: critical Certificate Sign, CRL Sign'), text);
});

const root = await issueCertificate({
  subject: [{ type: 'CN', value: 'root' }],
  ...VALID,
  extensions: authorityExtensions({ pathLength: 0 }),
});
const unknownCritical: CertificateExtension = { kind: 'raw', oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) };

/** One flaw each, and the number that OpenSSL has for it. */
const FLAWS: readonly [flaw: string, change: Partial<CertificateRequest>, error: number][] = [
  ['none', {}, 0],
  ['expired', { notAfter: new Date(Date.now() - 1000) }, 10],
  ['not yet valid', { notBefore: new Date(Date.now() + HOUR_MS / 2) }, 9],
  ['an unknown critical extension', { extensions: [...domusExtensions(ADDRESS), unknownCritical] }, 34],
  [
    'a purpose too few',
    {
      extensions: domusExtensions(ADDRESS).map((extension) =>
        extension.kind === 'extended-key-usage' ? { ...extension, usages: ['1.3.6.1.5.5.7.3.1'] } : extension,
      ),
    },
    26,
  ],
  [
    'the signature of another key',
    { issuer: { certificate: root.certificate, key: (await issueCertificate(blank())).key } },
    7,
  ],
];

for (const [flaw, change, error] of FLAWS) {
  test(`openssl finds in a leaf made with this flaw just that: ${flaw}`, { skip }, async () => {
    const leaf = await issueLeaf(root, change);
    assert.equal(verifyChain(root.certificatePem, leaf.certificatePem, 'sslclient'), error);
  });
}

test('openssl finds the flaws of authorities: a path too long, no CA:TRUE, a stranger', { skip }, async () => {
  const middle = await issueCertificate({
    subject: [{ type: 'CN', value: 'middle' }],
    issuer: root,
    ...VALID,
    extensions: authorityExtensions(),
  });
  const deep = await issueLeaf(middle, {});
  assert.equal(verifyChain(root.certificatePem, `${deep.certificatePem}${middle.certificatePem}`, 'sslclient'), 25);
  const first = await issueLeaf(root, { subject: [{ type: 'CN', value: 'leaf' }] });
  const second = await issueLeaf(first, {});
  const invalidCa = [24, 79];
  assert.ok(
    invalidCa.includes(
      verifyChain(root.certificatePem, `${second.certificatePem}${first.certificatePem}`, 'sslclient'),
    ),
  );
  const stranger = await createAuthority();
  const { certificatePem } = await issueLeaf(root, {});
  assert.equal(verifyChain(stranger.certificates[0], certificatePem, 'sslclient'), 20);
});

async function issueLeaf(issuer: IssuedCertificate, change: Partial<CertificateRequest>): Promise<IssuedCertificate> {
  return issueCertificate({ ...blank(), issuer, extensions: domusExtensions(ADDRESS), ...change });
}

function blank(): CertificateRequest {
  return { subject: [{ type: 'CN', value: 'node' }], ...VALID, extensions: [] };
}
