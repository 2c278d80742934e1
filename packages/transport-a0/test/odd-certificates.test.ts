/** Certificates that an authority may well sign, and that say one thing to one reader and another to the next. */
import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type X509Certificate,
} from 'node:crypto';
import { test } from 'node:test';
import { domusExtensions, type IssuedCertificate } from '@flaminia/certificates/internal';
import { type AuthMaterial, loadAuthMaterial } from '../src/auth-material.ts';
import { certificateDates } from '../src/certificate-dates.ts';
import { certificateFields } from '../src/certificate-fields.ts';
import { DER_TAG, derChildren, encodeDer, readDer } from '../src/der.ts';
import type { DomusError } from '../src/domus-error.ts';
import { addressOfLeaf, identityOf } from '../src/identity.ts';
import { parseCertificate } from '../src/parse-certificate.ts';
import { judgeUnixPeer } from '../src/unix-peer.ts';
import { freeAddress, issueAuthority, issueLeaf, materialOf, openDomus, TestDomus, until } from './tcp-imperium.ts';

const authority = await issueAuthority();

function withKey(body: Buffer, key: KeyObject): Buffer {
  const parts = derChildren(readDer(body)).map(({ encoded }) => Buffer.from(encoded));
  parts[6] = key.export({ type: 'spki', format: 'der' });
  return Buffer.from(encodeDer(DER_TAG.sequence, ...parts));
}

function materialWith({ certificate }: IssuedCertificate): AuthMaterial {
  return { ca: [certificate] } as unknown as AuthMaterial;
}

/** A certificate whose body is another, signed by the same authority. */
function signedAnew(
  certificate: X509Certificate,
  change: (body: Buffer) => Buffer,
  signer: KeyObject,
): X509Certificate {
  const [body, algorithm] = derChildren(readDer(certificate.raw)).map(({ encoded }) => Buffer.from(encoded));
  const changed = change(body!);
  const signature = encodeDer(DER_TAG.bitString, Buffer.of(0), sign('sha256', changed, signer));
  return parseCertificate(encodeDer(DER_TAG.sequence, changed, algorithm!, signature));
}

test('[a0-auth-11] PEM text inside of a certificate does not pass for the certificate', async () => {
  const stranger = await issueAuthority({ subject: [{ type: 'CN', value: 'evil' }] });
  const inner = await issueLeaf(stranger, 'tcp://10.0.0.1:1', { subject: [{ type: 'CN', value: 'admin' }] });
  const address = 'tcp://127.0.0.1:7000';
  const pem = `\n${inner.issued.certificatePem}`;
  const { issued } = await issueLeaf(authority, address, {
    extensions: [
      ...domusExtensions(address),
      { kind: 'raw', oid: '1.2.3.4', value: encodeDer(DER_TAG.octetString, Buffer.from(pem)) },
    ],
  });
  const leaf = parseCertificate(issued.certificateDer);
  assert.ok(leaf.raw.equals(issued.certificateDer));
  const { certificate } = identityOf(leaf, address);
  assert.ok(certificate?.raw.equals(issued.certificateDer));
  assert.ok(certificate?.verify(authority.certificate.publicKey));
});

test('[a0-auth-14] what is no certificate is none, whatever text it holds', async () => {
  const { issued } = await issueLeaf(authority, 'unix:///run/x.sock');
  const junk = encodeDer(DER_TAG.sequence, encodeDer(DER_TAG.octetString, Buffer.from(`\n${issued.certificatePem}`)));
  const behind = Buffer.concat([issued.certificateDer, Buffer.of(0)]);
  for (const certificates of [[junk], [behind], [Buffer.from(issued.certificatePem)]]) {
    assert.throws(() => judgeUnixPeer({ origin: '/run/x.sock', certificates }, materialWith(authority), Date.now()), {
      kind: 'protocol-violation',
      detail: 'malformed-der',
    });
  }
});

test('[a0-auth-12] a name with octets that are no UTF-8 is none, and nobody is left without an end', async (t) => {
  const address = await freeAddress();
  const { issued } = await issueLeaf(authority, address.text, { subject: [{ type: 'CN', value: 'node-1' }] });
  const certificate = signedAnew(
    issued.certificate,
    (body) => {
      const at = body.lastIndexOf(Buffer.concat([Buffer.of(0x0c, 6), Buffer.from('node-1')]));
      Buffer.concat([Buffer.of(0x16, 6), Buffer.from('nod\xe9-1', 'latin1')]).copy(body, at);
      return body;
    },
    authority.key,
  );
  const odd = await openDomus(authority, { address, leaf: { issued, chain: certificate.toString() } });
  const honest = await openDomus(authority);
  t.after(() => Promise.all([odd.close(), honest.close()]));
  for (const [from, to] of [
    [odd, honest],
    [honest, odd],
  ] as const) {
    const dialled = await from.dial(to.address.text);
    const accepted = await to.nextAccepted();
    assert.equal((from === odd ? accepted : dialled).peer.nodeId, null);
    dialled.destroy();
    accepted.destroy();
  }
});

for (const namedCurve of ['secp521r1', 'secp256k1']) {
  test(`[a0-auth-3] an intermediate with a key on ${namedCurve} is refused over TCP too, in both roles`, async (t) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const good = await issueAuthority({ issuer: authority, subject: [{ type: 'CN', value: 'between' }] });
    const between = signedAnew(good.certificate, (body) => withKey(body, publicKey), authority.key);
    const [address, honest] = [await freeAddress(), await openDomus(authority)];
    const { issued } = await issueLeaf(good, address.text);
    const leaf = signedAnew(issued.certificate, (body) => body, privateKey);
    const material: AuthMaterial = {
      address: address.text,
      ca: [authority.certificate],
      chain: [leaf, between],
      key: createPrivateKey(issued.privateKeyPem),
    };
    const weak = new TestDomus(address, material, {});
    await weak.backend.listen();
    t.after(() => Promise.all([weak.close(), honest.close()]));
    await assert.rejects(honest.dial(address.text), { kind: 'protocol-violation', detail: 'weak-certificate' });
    await assert.rejects(weak.dial(honest.address.text));
    await until(() => honest.failures.length > 0);
    assert.equal((honest.failures.at(-1)!.error as DomusError).detail, 'weak-certificate');
  });
}

test('[a0-auth-3] RSA keys with the exponent 1 are refused: anybody could sign for them', async () => {
  const good = await issueLeaf(authority, 'unix:///run/x.sock', { key: 'RSA-2048' });
  const { n } = good.issued.certificate.publicKey.export({ format: 'jwk' });
  const weak = createPublicKey({ key: { kty: 'RSA', n: n!, e: 'AQ' }, format: 'jwk' });
  const leaf = signedAnew(good.issued.certificate, (body) => withKey(body, weak), authority.key);
  assert.throws(
    () => judgeUnixPeer({ origin: '/run/x.sock', certificates: [leaf.raw] }, materialWith(authority), Date.now()),
    { kind: 'protocol-violation', detail: 'algorithm' },
  );
});

test('[a0-auth-11] a name in pieces, and one of the own scheme without slashes, are malformed beside a good one', async () => {
  const address = await freeAddress();
  const name = (tag: number, text: string) => encodeDer(tag, Buffer.from(text));
  const own = [name(0x86, `aurelia+${address.text}`), encodeDer(0x87, Buffer.from(address.ip.split('.').map(Number)))];
  const others = [
    encodeDer(0xa6, name(0x16, 'aurelia+tcp://10.0.0.1:1')),
    name(0x86, 'aurelia+tcp:10.0.0.1:1'),
    name(0x86, 'aurelia+tcp:/10.0.0.1:1'),
  ];
  for (const other of others) {
    const names = { kind: 'raw', oid: '2.5.29.17', value: encodeDer(DER_TAG.sequence, ...own, other) } as const;
    const rest = domusExtensions(address.text).filter(({ kind }) => kind !== 'subject-alternative-name');
    const { issued } = await issueLeaf(authority, address.text, { extensions: [...rest, names] });
    assert.throws(() => addressOfLeaf(issued.certificate, 'tcp'), { detail: 'malformed-identity' });
  }
});

test('[a0-auth-14] a date that does not exist is malformed', async () => {
  const { issued } = await issueLeaf(authority, 'unix:///run/x.sock');
  const [notBefore] = derChildren(certificateFields(issued.certificate).validity);
  const given = notBefore!.content;
  for (const odd of ['260230000000Z', '260431120000Z', '261131000000Z', '260101240000Z', '261301000000Z']) {
    const certificate = signedAnew(
      issued.certificate,
      (body) => {
        Buffer.from(odd).copy(body, body.indexOf(given));
        return body;
      },
      authority.key,
    );
    assert.throws(() => certificateDates(certificate), { detail: 'malformed-der' }, odd);
  }
});

test('[a0-auth-5] a key whose private half is that of another does not belong to the leaf', async () => {
  const { issued, chain } = await issueLeaf(authority, 'tcp://127.0.0.1:7000');
  const own = createPrivateKey(issued.privateKeyPem);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const scalar = (key: KeyObject) => Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url');
  const mixed = Buffer.from(own.export({ type: 'pkcs8', format: 'der' }));
  scalar(other).copy(mixed, mixed.indexOf(scalar(own)));
  const given = { ca: authority.certificatePem, cert: chain, key: mixed };
  assert.throws(() => loadAuthMaterial(given, 'tcp'), { kind: 'invalid-config', detail: 'key' });
});

test('a backend that is closed while it begins to listen says so', async () => {
  const address = await freeAddress();
  const domus = new TestDomus(address, materialOf(authority, await issueLeaf(authority, address.text)), {});
  const listening = assert.rejects(domus.backend.listen(), { kind: 'domus-closed' });
  await domus.backend.close();
  await listening;
});
