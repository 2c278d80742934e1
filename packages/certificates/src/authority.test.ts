import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { DomusError } from '@flaminia/transport-a0';
import { type Authority, createAuthority, openAuthority } from './authority.ts';
import { issueCertificate } from './certificate.ts';
import { exportPkcs8, type KeyAlgorithm } from './key.ts';
import { authorityExtensions } from './profile.ts';

const DAY_MS = 86_400_000;
const root = await createAuthority({ name: 'root' });

function own(authority: Authority): X509Certificate {
  return new X509Certificate(authority.certificates[0]);
}

test('a root signs itself, is backdated by a minute and lives ten years', async () => {
  const before = Date.now();
  const certificate = own(await createAuthority());
  const after = Date.now();
  assert.equal(certificate.subject, 'CN=Flaminia authority');
  assert.ok(certificate.ca && certificate.verify(certificate.publicKey));
  const [begin, end] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  assert.ok(begin > before - 61_000 && begin <= after - 60_000, certificate.validFrom);
  assert.ok(end > before + 3650 * DAY_MS - 1000 && end <= after + 3650 * DAY_MS, certificate.validTo);
});

for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
  test(`an authority with a ${algorithm} key issues an intermediate, and the chain leads to the root`, async () => {
    const parent = await createAuthority({ name: 'root', algorithm });
    const child = await createAuthority({ name: 'intermediate', parent, algorithm });
    const { chain } = openAuthority(child, 'ca');
    assert.deepEqual(
      chain.map(({ subject, issuer }) => `${subject} by ${issuer}`),
      ['CN=intermediate by CN=root', 'CN=root by CN=root'],
    );
    assert.ok(chain[0]!.verify(chain[1]!.publicKey));
  });
}

test('an authority kept in files is an authority again', async () => {
  const files = { certificates: root.certificates, key: exportPkcs8(root.key) };
  const again = { certificates: files.certificates, key: createPrivateKey(files.key) };
  assert.equal((await createAuthority({ parent: again })).certificates[1], root.certificates[0]);
});

test('an intermediate ends no later than its parent, and an expired parent issues nothing', async () => {
  const parent = await createAuthority({ ttlMs: DAY_MS });
  const child = await createAuthority({ parent, ttlMs: 100 * DAY_MS });
  assert.equal(own(child).validTo, own(parent).validTo);

  const expired = await issueCertificate({
    subject: [{ type: 'CN', value: 'old' }],
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
    extensions: authorityExtensions(),
  });
  const old: Authority = { certificates: [expired.certificatePem], key: expired.key };
  await assert.rejects(createAuthority({ parent: old }), { kind: 'invalid-config', detail: 'authority-expired' });
});

test('a path length is kept all the way up: a chain that peers would refuse is never issued', async () => {
  const one = await createAuthority({ pathLength: 1 });
  const two = await createAuthority({ parent: one });
  await assert.rejects(createAuthority({ parent: two }), (error) => {
    assert.ok(DomusError.is(error) && error.kind === 'invalid-config');
    assert.match(error.message, /parent allows no authority below it: path length 1 in \.certificates\[1\]/);
    return true;
  });
  const none = await createAuthority({ pathLength: 0 });
  await assert.rejects(createAuthority({ parent: none }), { kind: 'invalid-config', detail: 'parent' });
});

test('options out of range are refused with field, range and value', async () => {
  const bad: readonly [object, field: string][] = [
    [{ name: '' }, 'name'],
    [{ algorithm: 'RSA-1024' as KeyAlgorithm }, 'algorithm'],
    [{ ttlMs: 1 }, 'ttlMs'],
    [{ pathLength: -1 }, 'pathLength'],
    [{ pathLength: 16 }, 'pathLength'],
    [{ pathLength: 0.5 }, 'pathLength'],
  ];
  for (const [options, field] of bad) {
    await assert.rejects(createAuthority(options), { kind: 'invalid-config', detail: field });
  }
});

test('parts of an authority that do not belong together are refused, and the part is named', async () => {
  const other = await createAuthority({ name: 'other' });
  const child = await createAuthority({ parent: root });
  const leaf = await issueCertificate({
    subject: [],
    notBefore: new Date(),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [{ kind: 'basic-constraints', ca: false }],
  });
  const bad: readonly [Authority, RegExp][] = [
    [{ certificates: root.certificates, key: other.key }, /ca has a key that does not belong/],
    [{ certificates: [child.certificates[0]], key: child.key }, /ca\.certificates\[0\] is not self-signed/],
    [
      { certificates: [child.certificates[0], other.certificates[0]], key: child.key },
      /\[0\] is not issued by the next/,
    ],
    [{ certificates: [leaf.certificatePem], key: leaf.key }, /ca\.certificates\[0\] is not that of an authority/],
    [{ certificates: ['no PEM'], key: root.key }, /ca\.certificates\[0\] is not a certificate in PEM/],
    [{ certificates: [] as unknown as [string], key: root.key }, /ca has no certificate/],
  ];
  for (const [authority, text] of bad) {
    assert.throws(
      () => openAuthority(authority, 'ca'),
      (error) => DomusError.is(error) && error.kind === 'invalid-config' && text.test(error.message),
    );
  }
});

test('[a0-auth-6] neither inspect nor JSON shows the key of an authority', () => {
  const secret = Buffer.from(root.key.export({ format: 'jwk' }).d ?? '', 'base64url');
  assert.equal(secret.length, 32);
  const shown = `${inspect(root, { depth: 9, showHidden: true })}${JSON.stringify(root)}`;
  const body = exportPkcs8(root.key).split('\n')[1]!;
  for (const form of [secret.toString('base64url'), secret.toString('hex'), body]) assert.ok(!shown.includes(form));
});
