import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issueCertificate } from './certificate.ts';
import type { CertificateRequest } from './certificate-request.ts';
import type { CertificateExtension } from './extension.ts';
import { generateKey } from './key.ts';
import { authorityExtensions, domusExtensions } from './profile.ts';

const HOUR_MS = 3_600_000;
const VALID = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS) };
const ca = await issueCertificate({
  subject: [{ type: 'CN', value: 'test authority' }],
  ...VALID,
  extensions: authorityExtensions(),
});

async function issueDer(change: Partial<CertificateRequest>): Promise<string> {
  const issued = await issueCertificate({ subject: [], issuer: ca, ...VALID, extensions: [], ...change });
  return issued.certificateDer.toString('hex');
}

test('a certificate without an issuer signs itself', () => {
  assert.ok(ca.certificate.checkIssued(ca.certificate));
  assert.ok(ca.certificate.verify(ca.certificate.publicKey));
  assert.ok(ca.certificate.checkPrivateKey(ca.key));
  assert.equal(ca.certificate.ca, true);
});

test('serials are positive, take 16 octets, and differ', async () => {
  const key = await generateKey('P-256');
  const serials = new Set<string>();
  for (let round = 0; round < 32; round++) {
    const { certificate } = await issueCertificate({ subject: [], key, issuer: ca, ...VALID, extensions: [] });
    assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/);
    serials.add(certificate.serialNumber);
  }
  assert.equal(serials.size, 32);
});

test('[case-15] 1,000 certificates in a row have 1,000 serial numbers', async () => {
  const key = await generateKey('Ed25519');
  const serials = new Set<string>();
  for (let round = 0; round < 1_000; round++)
    serials.add(
      (await issueCertificate({ subject: [], key, issuer: ca, ...VALID, extensions: [] })).certificate.serialNumber,
    );
  assert.equal(serials.size, 1_000);
});

test('a chosen serial stays positive whatever its first bit', async () => {
  const serial = 'ff'.repeat(16);
  const { certificate } = await issueCertificate({ subject: [], issuer: ca, ...VALID, extensions: [], serial });
  assert.equal(certificate.serialNumber, serial.toUpperCase());
});

test('names are taken literally: no character is syntax, and the order stays', async () => {
  const values = ['#00ff', 'a, CN=b', 'x+OU=y', '"quoted"', ' padded ', 'ünï 💡', '\\'];
  for (const value of values) {
    const { certificate } = await issueCertificate({
      subject: [
        { type: 'OU', value: 'first' },
        { type: 'CN', value },
      ],
      issuer: ca,
      ...VALID,
      extensions: [],
    });
    const { subject } = certificate.toLegacyObject();
    assert.deepEqual({ ...subject }, { OU: 'first', CN: value });
  }
});

test('dates are written as asked, beyond 2050 and before now', async () => {
  const notBefore = new Date('2001-02-03T04:05:06Z');
  const notAfter = new Date('2051-01-01T00:00:00Z');
  const { certificate } = await issueCertificate({ subject: [], issuer: ca, notBefore, notAfter, extensions: [] });
  assert.equal(Date.parse(certificate.validFrom), notBefore.getTime());
  assert.equal(Date.parse(certificate.validTo), notAfter.getTime());
});

test('name and key of the issuer may be taken from different hands', async () => {
  const otherKey = await generateKey('P-256');
  const badSignature = await issueCertificate({
    subject: [],
    issuer: { certificate: ca.certificate, key: otherKey },
    ...VALID,
    extensions: [],
  });
  assert.equal(badSignature.certificate.checkIssued(ca.certificate), true);
  assert.equal(badSignature.certificate.verify(ca.certificate.publicKey), false);

  const issuerName = [{ type: 'CN', value: 'somebody else' }] as const;
  const badName = await issueCertificate({ subject: [], issuer: ca, issuerName, ...VALID, extensions: [] });
  assert.equal(badName.certificate.checkIssued(ca.certificate), false);
  assert.equal(badName.certificate.verify(ca.certificate.publicKey), true);
});

test('signature algorithms can be chosen, weak ones too', async () => {
  const rsa = await generateKey('RSA-2048');
  const cases: readonly [Partial<CertificateRequest>, oid: string][] = [
    [{ signatureHash: 'SHA-1' }, '06072a8648ce3d0401'],
    [{}, '06082a8648ce3d040302'],
    [{ signatureHash: 'SHA-512' }, '06082a8648ce3d040304'],
    [{ issuer: { certificate: ca.certificate, key: await generateKey('P-384') } }, '06082a8648ce3d040303'],
    [{ issuer: { certificate: ca.certificate, key: await generateKey('P-521') } }, '06082a8648ce3d040304'],
    [{ issuer: { certificate: ca.certificate, key: await generateKey('Ed25519') } }, '06032b6570'],
    [{ issuer: { certificate: ca.certificate, key: rsa } }, '06092a864886f70d01010b'],
    [{ issuer: { certificate: ca.certificate, key: rsa }, signatureHash: 'SHA-1' }, '06092a864886f70d010105'],
    [{ issuer: { certificate: ca.certificate, key: rsa }, signaturePadding: 'pss' }, '06092a864886f70d01010a'],
  ];
  for (const [change, oid] of cases) {
    const der = await issueDer({ key: 'P-256', ...change });
    assert.ok(der.split(oid).length > 2, `${oid} stands both inside and outside of the signed part`);
  }
});

test('keys that nothing can sign with may be certified all the same', async () => {
  for (const algorithm of ['Ed448', 'RSA-PSS-2048', 'RSA-1024', 'P-521'] as const) {
    const { certificate, key } = await issueCertificate({
      subject: [],
      key: algorithm,
      issuer: ca,
      ...VALID,
      extensions: [],
    });
    assert.ok(certificate.checkPrivateKey(key));
    assert.ok(certificate.verify(ca.certificate.publicKey));
  }
});

/** Each extension with the DER that RFC 5280 gives it. */
const EXTENSIONS: readonly [name: string, CertificateExtension, der: string][] = [
  ['basic constraints of an authority', { kind: 'basic-constraints', ca: true }, '300f0603551d130101ff040530030101ff'],
  ['a path length', { kind: 'basic-constraints', ca: true, pathLength: 0 }, '30120603551d130101ff040830060101ff020100'],
  ['basic constraints of a leaf', { kind: 'basic-constraints', ca: false }, '300c0603551d130101ff04023000'],
  [
    'basic constraints, not critical',
    { kind: 'basic-constraints', ca: true, critical: false },
    '300c0603551d13040530030101ff',
  ],
  ['key usage', { kind: 'key-usage', usages: ['digitalSignature'] }, '300e0603551d0f0101ff040403020780'],
  ['key usage of an authority', { kind: 'key-usage', usages: ['keyCertSign', 'cRLSign'] }, '040403020106'],
  [
    'extended key usage',
    { kind: 'extended-key-usage', usages: ['1.3.6.1.5.5.7.3.2'] },
    '30130603551d25040c300a06082b06010505070302',
  ],
  [
    'alternative names, an IPv6 address among them',
    {
      kind: 'subject-alternative-name',
      names: [
        { kind: 'uri', value: 'a:b' },
        { kind: 'ip', value: '127.0.0.1' },
        { kind: 'dns', value: 'c' },
        { kind: 'ip', value: '::1' },
      ],
    },
    '0603551d1104223020'.concat('8603613a62', '87047f000001', '820163', '871000000000000000000000000000000001'),
  ],
  ['a chosen key identifier', { kind: 'subject-key-identifier', id: Buffer.of(1, 2) }, '300b0603551d0e040404020102'],
  ['another', { kind: 'authority-key-identifier', id: Buffer.of(1, 2) }, '300d0603551d230406300480020102'],
  [
    'name constraints',
    {
      kind: 'name-constraints',
      permitted: [{ kind: 'dns', value: 'a' }],
      excluded: [{ kind: 'ip', value: '10.0.0.0/255.0.0.0' }],
    },
    '30210603551d1e0101ff04173015'.concat('a0053003820161', 'a10c300a', '87080a000000ff000000'),
  ],
  [
    'an unknown critical one',
    { kind: 'raw', oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) },
    '300c06032a03040101ff04020500',
  ],
];

for (const [name, extension, der] of EXTENSIONS) {
  test(`extensions are written to the byte: ${name}`, async () => {
    const issued = await issueDer({ extensions: [extension] });
    assert.ok(issued.includes(der), `${issued}\ndoes not contain\n${der}`);
  });
}

test('key identifiers default to the SHA-1 of the public key, so that chains can be walked by them', async () => {
  const leaf = await issueCertificate({
    subject: [],
    issuer: ca,
    ...VALID,
    extensions: domusExtensions('tcp://10.0.0.1:7000'),
  });
  const identifier = /0603551d0e04160414([0-9a-f]{40})/.exec(ca.certificateDer.toString('hex'))?.[1];
  assert.ok(identifier !== undefined);
  assert.ok(leaf.certificateDer.toString('hex').includes(`0603551d23041830168014${identifier}`));
});
