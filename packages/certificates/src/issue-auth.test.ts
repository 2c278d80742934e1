import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createAuthority } from './authority.ts';
import { type IssueAuthOptions, issueAuth } from './issue-auth.ts';

const DAY_MS = 86_400_000;
const root = await createAuthority();
const middle = await createAuthority({ name: 'middle', parent: root });

test('[api-53] [a0-auth-8] [case-3] a leaf names the domus, its type, and its TCP address as a URI and an ip', async () => {
  const before = Date.now();
  const material = await issueAuth({ ca: root, nodeId: 'worker, 1', nodeType: 'worker' })('tcp://127.0.0.1:7000');
  const leaf = new X509Certificate(material.cert);
  const { CN, OU } = leaf.toLegacyObject().subject;
  assert.deepEqual({ CN, OU }, { CN: 'worker, 1', OU: 'worker' });
  assert.equal(leaf.subjectAltName, 'URI:aurelia+tcp://127.0.0.1:7000, IP Address:127.0.0.1');
  assert.equal(leaf.ca, false);
  assert.deepEqual([...(leaf.keyUsage ?? [])].sort(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(material.key)));
  assert.ok(leaf.checkIssued(new X509Certificate(material.ca)));
  const [begin, end] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  assert.ok(begin > before - 61_000 && begin <= Date.now() - 60_000);
  assert.ok(end > before + 90 * DAY_MS - 1000 && end <= Date.now() + 90 * DAY_MS);
});

test('[a0-auth-8] an IPv6 address stands in brackets in the URI, in its canonical form', async () => {
  const { cert } = await issueAuth({ ca: root, nodeId: 'six' })('tcp://[0:0::1]:7000');
  const leaf = new X509Certificate(cert);
  assert.equal(leaf.subjectAltName, 'URI:aurelia+tcp://[::1]:7000, IP Address:0:0:0:0:0:0:0:1');
  assert.equal(leaf.toLegacyObject().subject.OU, undefined);
});

test('[a0-auth-9] [a0-auth-10] a Unix-socket address stands in the URI as it is, without an ip', async () => {
  const { cert } = await issueAuth({ ca: root, nodeId: 'local' })('unix:///run/a%20b');
  assert.equal(new X509Certificate(cert).subjectAltName, 'URI:aurelia+unix:///run/a%20b');
});

test('[case-3] extra names stand behind those of the address', async () => {
  const extraSans = [
    { kind: 'dns', value: 'worker.example' },
    { kind: 'ip', value: '::1' },
  ] as const;
  const { cert } = await issueAuth({ ca: root, nodeId: 'named', extraSans })('tcp://10.0.0.1:1');
  assert.equal(
    new X509Certificate(cert).subjectAltName,
    'URI:aurelia+tcp://10.0.0.1:1, IP Address:10.0.0.1, DNS:worker.example, IP Address:0:0:0:0:0:0:0:1',
  );
});

test('[case-3] a leaf has all at once: names, address, extra hosts, both usages, and the validity that was asked for', async () => {
  const issue = issueAuth({
    ca: root,
    nodeId: 'worker-1',
    nodeType: 'worker',
    ttlMs: 3 * DAY_MS,
    extraSans: [{ kind: 'dns', value: 'worker.example' }],
  });
  const before = Date.now();
  const leaf = new X509Certificate((await issue('tcp://10.0.0.1:7000')).cert);
  assert.deepEqual({ ...leaf.toLegacyObject().subject }, { CN: 'worker-1', OU: 'worker' });
  assert.equal(leaf.subjectAltName, 'URI:aurelia+tcp://10.0.0.1:7000, IP Address:10.0.0.1, DNS:worker.example');
  assert.deepEqual([...(leaf.keyUsage ?? [])].sort(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  const end = Date.parse(leaf.validTo);
  assert.ok(end > before + 3 * DAY_MS - 1000 && end <= Date.now() + 3 * DAY_MS);
});

test('[api-53] below an intermediate the chain holds leaf and intermediate, and the CA is the root alone', async () => {
  const { ca, cert } = await issueAuth({ ca: middle, nodeId: 'deep' })('tcp://127.0.0.1:7000');
  assert.equal(ca, root.certificates[0]);
  const blocks = cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
  assert.equal(blocks.length, 2);
  assert.equal(blocks[1], middle.certificates[0]);
  assert.ok(new X509Certificate(blocks[0]!).checkIssued(new X509Certificate(blocks[1]!)));
});

test('[api-53] each call makes a new key; a lifetime is cut to that of the authority', async () => {
  const short = await createAuthority({ ttlMs: DAY_MS });
  const issue = issueAuth({ ca: short, nodeId: 'twice', ttlMs: 2 * DAY_MS });
  const [one, two] = [await issue('tcp://127.0.0.1:1'), await issue('tcp://127.0.0.1:1')];
  assert.notEqual(one.key, two.key);
  assert.equal(new X509Certificate(one.cert).validTo, new X509Certificate(short.certificates[0]).validTo);
});

test('an Ed25519 key comes as PKCS#8 version 2 when asked, as a Rust domus on Unix sockets wants it', async () => {
  const issue = issueAuth({ ca: root, nodeId: 'ed', algorithm: 'Ed25519', pkcs8: 2 });
  const { key } = await issue('unix:///run/ed');
  const der = Buffer.from(key.replace(/-----[^-]+-----|\n/g, ''), 'base64');
  assert.equal(der.subarray(0, 16).toString('hex'), '3051020101300506032b657004220420');
  assert.equal(der.length, 83);
});

test('[api-53] options out of range are refused when issueAuth is called, addresses when the function is', async () => {
  const bad: readonly [Partial<IssueAuthOptions>, field: string][] = [
    [{ nodeId: '../x' }, 'nodeId'],
    [{ nodeType: '' }, 'nodeType'],
    [{ ttlMs: 0 }, 'ttlMs'],
    [{ extraSans: [{ kind: 'uri', value: 'aurelia+tcp://1.2.3.4:5' }] }, 'extraSans'],
    [{ algorithm: 'RSA-512' }, 'algorithm'],
    [{ pkcs8: 2 }, 'pkcs8'],
    [{ ca: { certificates: root.certificates, key: middle.key } }, 'ca'],
  ];
  for (const [change, field] of bad) {
    assert.throws(() => issueAuth({ ca: root, nodeId: 'x', ...change }), { kind: 'invalid-config', detail: field });
  }
  const issue = issueAuth({ ca: root, nodeId: 'x' });
  for (const address of ['tcp://127.0.0.1:0', 'tcp://0.0.0.0:1', 'tcp://name:1', 'unix://x'] as const) {
    await assert.rejects(issue(address), { kind: 'invalid-config' });
  }
});

for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
  test(`mutual TLS 1.3 with ${algorithm} leaves below an intermediate satisfies both ends`, async (t) => {
    const server = createServer({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' });
    server.listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const issue = issueAuth({ ca: middle, nodeId: 'both', algorithm });
    const material = await issue(`tcp://127.0.0.1:${port}`);
    server.setSecureContext({ ca: material.ca, cert: material.cert, key: material.key });

    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const raw = connectTcp(port, '127.0.0.1');
    const client = connect({ socket: raw, host: '127.0.0.1', ...material, minVersion: 'TLSv1.3' });
    t.after(() => client.destroy());
    const [[inbound]] = await Promise.all([accepted, once(client, 'secureConnect')]);
    t.after(() => inbound.destroy());
    assert.equal(client.authorized, true);
    assert.equal(inbound.authorized, true);
    assert.equal(inbound.getPeerX509Certificate()?.subject, 'CN=both');
  });
}
