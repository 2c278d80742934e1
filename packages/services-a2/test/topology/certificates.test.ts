/** Records that are signed with the keys of real certificates. */
import assert from 'node:assert/strict';
import { constants, verify } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueAuth, type KeyAlgorithm } from '@flaminia/certificates';
import type { DomusAddr } from '@flaminia/transport-a0';
import { type AuthMaterial, loadAuthMaterial } from '@flaminia/transport-a0/internal';
import { certificateSigner } from '../../src/topology/certificate-signer.ts';
import { CertificateVerifier } from '../../src/topology/certificate-verifier.ts';
import type { NodeRecord } from '../../src/topology/core/record.ts';
import { decodeRecord, encodeBody, encodeRecord, SIGNED_PREFIX, toHex } from '../../src/topology/core/record-codec.ts';
import type { RecordSigner } from '../../src/topology/core/topology-sink.ts';
import { ids, type Member, members } from './members.ts';

const ADDRESS: DomusAddr = 'tcp://127.0.0.1:7000';

function recordOf(change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    nodeId: 'worker-1',
    nodeType: 'worker',
    address: ADDRESS,
    incarnation: 1,
    left: false,
    health: 'healthy',
    services: ['users/v1'],
    tabernae: [],
    metadata: {},
    ...change,
  };
}

function signed(signer: RecordSigner, record: NodeRecord): Uint8Array {
  const body = encodeBody(record);
  return encodeRecord(body, signer.sign(Buffer.concat([SIGNED_PREFIX, body])), signer.chain);
}

async function material(
  ca: Awaited<ReturnType<typeof createAuthority>>,
  algorithm: KeyAlgorithm = 'P-256',
  nodeId = 'worker-1',
  address: DomusAddr = ADDRESS,
  nodeType = 'worker',
): Promise<AuthMaterial> {
  return loadAuthMaterial(await issueAuth({ ca, nodeId, nodeType, algorithm })(address), 'tcp');
}

/** What the protocol says of signatures. */
const SCHEMES = {
  'P-256': { digest: 'sha256', dsaEncoding: 'der' },
  'P-384': { digest: 'sha384', dsaEncoding: 'der' },
  Ed25519: { digest: null },
  'RSA-2048': { digest: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
} as const;

for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
  test(`[topo-rec-3, topo-rec-5] a record signed with ${algorithm} is valid, and any change of it is not`, async () => {
    const auth = await material(await createAuthority(), algorithm as KeyAlgorithm);
    const verifier = new CertificateVerifier(() => auth.ca);
    const bytes = signed(certificateSigner(auth), recordOf());
    const now = Date.now();
    const verdict = verifier.verify(decodeRecord(bytes), now);
    assert.deepEqual(verdict, { kind: 'valid', validFromMs: Date.parse(auth.chain[0].validFrom) });
    const parts = decodeRecord(bytes);
    assert.deepEqual(parts.chain.map(toHex), [toHex(auth.chain[0].raw)]);
    const toVerify = Buffer.concat([Buffer.from('flaminia/topology record 1\0'), parts.body]);
    const { digest, ...scheme } = SCHEMES[algorithm];
    assert.ok(verify(digest, toVerify, { key: auth.chain[0].publicKey, ...scheme }, parts.signature));
    const other = encodeBody(recordOf({ incarnation: 2 }));
    assert.deepEqual(verifier.verify({ ...parts, body: other }, now), { kind: 'refused', reason: 'signature' });
    const signature = parts.signature.slice();
    signature[signature.length - 1]! ^= 1;
    assert.deepEqual(verifier.verify({ ...parts, signature }, now), { kind: 'refused', reason: 'signature' });
  });
}

test('[topo-rec-1, topo-rec-5] [case-35] records are refused by chain, identity and date', async () => {
  const ca = await createAuthority();
  const auth = await material(ca);
  const signer = certificateSigner(auth);
  const verifier = new CertificateVerifier(() => auth.ca);
  const now = Date.now();
  const reason = (bytes: Uint8Array, at = now): string | undefined => {
    const verdict = verifier.verify(decodeRecord(bytes), at);
    return verdict.kind === 'refused' ? verdict.reason : undefined;
  };
  assert.equal(reason(signed(signer, recordOf({ nodeId: 'worker-2' }))), 'identity');
  assert.equal(reason(signed(signer, recordOf({ nodeType: null }))), 'identity');
  assert.equal(reason(signed(signer, recordOf({ address: 'tcp://127.0.0.1:7001' }))), 'identity');
  assert.equal(reason(signed(signer, recordOf({ address: 'unix:///tmp/a.sock' }))), 'identity');
  const stranger = await material(await createAuthority());
  assert.equal(reason(signed(certificateSigner(stranger), recordOf())), 'chain');
  assert.equal(reason(signed({ ...signer, chain: [] }, recordOf())), 'chain');
  assert.equal(reason(signed({ ...signer, chain: [new Uint8Array([1, 2, 3])] }, recordOf())), 'chain');
  assert.equal(reason(signed(signer, recordOf())), undefined);
  assert.equal(reason(signed(signer, recordOf()), now + 400 * 86_400_000), 'chain');
});

test('[topo-rec-5] a new CA set is asked anew', async () => {
  const [first, second] = [await material(await createAuthority()), await material(await createAuthority())];
  let { ca } = first;
  const verifier = new CertificateVerifier(() => ca);
  const parts = decodeRecord(signed(certificateSigner(first), recordOf()));
  assert.equal(verifier.verify(parts, Date.now()).kind, 'valid');
  ca = second.ca;
  assert.equal(verifier.verify(parts, Date.now()).kind, 'refused');
});

test('nodes with certificates find each other; a renewed one is announced; a stranger is counted', async (t) => {
  const { add, until, world, wait } = members(t);
  const ca = await createAuthority();
  const authOf = (index: number): Promise<AuthMaterial> =>
    material(ca, 'P-256', `n${index}`, `tcp://127.0.0.1:${index}`);
  const auths = await Promise.all([1, 2, 3].map(authOf));
  const stranger = await material(await createAuthority(), 'P-256', 'n4', 'tcp://127.0.0.1:4');
  const all: Member[] = [];
  for (const [index, auth] of [...auths, stranger].entries()) {
    const verifier = new CertificateVerifier(() => auths[0]!.ca);
    all.push(await add(`n${index + 1}`, { signer: certificateSigner(auth), verifier }));
  }
  const seeds = [all[0]!.domus.address];
  for (const { topology } of all) topology.start({ seeds });
  await until(() => all.slice(0, 3).every(({ topology }) => topology.nodes().length === 3));
  await world.advance(5_000);
  assert.deepEqual(ids(all[1]!.topology), ['n1', 'n2', 'n3']);
  assert.ok(all.some(({ topology }) => topology.refusals.chain > 0));
  const before = all[0]!.topology.node('n2')!.incarnation;
  all[1]!.topology.renewSigner(certificateSigner(await authOf(2)));
  await until(() => all[0]!.topology.node('n2')!.incarnation > before);
  assert.equal((await wait(all[0]!.topology.nodeInfo('n2')))?.nodeId, 'n2');
  assert.equal(all[0]!.topology.refusals.clash, 0);
});
