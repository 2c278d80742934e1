/** Cases of the services over real sockets that are about certificates: how they come in, are replaced, are held against. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createAuthority, devAuth, issueAuth, type PemMaterial } from '@flaminia/certificates';
import { until } from '@flaminia/testkit';
import { authFromEnv, authFromFiles, Domus } from '../src/index.ts';
import { type CallContext, Imperium, type ImperiumOptions } from '../src/services.ts';
import {
  ABRUPT,
  authority,
  failureOf,
  freeAddress,
  Hello,
  handlers,
  listing,
  Members,
  named,
} from './services-members.ts';

test('[case-4] calls go on while certificates are replaced, and new connections show the new one', async (t) => {
  const members = new Members(t);
  const serialSeen = { ...handlers, greet: (_: string, { caller }: CallContext) => caller.certificate!.serialNumber };
  const [first, second] = [await members.provider('a', {}, serialSeen), await members.provider('b', {}, serialSeen)];
  const list = listing(first.address);
  const gateway = await members.join('gateway', { discovery: list });
  const client = gateway.client(Hello);
  let [calls, isOver] = [0, false];
  const traffic = (async () => {
    for (; !isOver; calls++) await client.greet('x');
  })();
  let material: PemMaterial | undefined;
  for (let round = 0; round < 3; round++) {
    const goal = calls + 20;
    material = await issueAuth({ ca: await authority, nodeId: 'gateway' })(gateway.address);
    await gateway.domus.reloadAuth(material);
    await Promise.race([until(() => calls >= goal, 'calls'), traffic]);
  }
  isOver = true;
  await traffic;
  list.set([{ address: second.address, services: ['hello/v1'] }]);
  await until(() => gateway.domus.reporting.connectedPeers().length === 0, 'the end of the first session');
  assert.equal(await client.greet('x'), new X509Certificate(material!.cert).serialNumber);
});

test('[case-6] two nodes that make their certificates in one empty folder at once call each other', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'flaminia-dev-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const members = new Members(t);
  const lists = [listing(), listing()];
  const nodes = await Promise.all(
    ['one', 'two'].map((nodeId, index) =>
      members.provider(nodeId, { auth: devAuth({ nodeId, directory }), discovery: lists[index]! }, named(nodeId)),
    ),
  );
  for (const [index, list] of lists.entries())
    list.set([{ address: nodes[1 - index]!.address, services: ['hello/v1'] }]);
  for (const [index, node] of nodes.entries()) {
    const other = nodes[1 - index]!;
    const outcomes = await node.broadcast(Hello.greet, 'x');
    assert.deepEqual(
      [...outcomes.values()].map((each) => each.status === 'fulfilled' && each.value).sort(),
      ['one', 'two'],
      `${node.address} to ${other.address}`,
    );
  }
});

test('[case-9] [case-12] certificates below an intermediate work as PEM, DER, files, environment and from a function', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flaminia-auth-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const members = new Members(t);
  const provider = await members.provider(
    'provider',
    {},
    {
      ...handlers,
      greet: (_, { caller }) => `hi ${caller.nodeId}`,
    },
  );
  const ca = await createAuthority({ name: 'middle', parent: await authority });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ways: Readonly<Record<string, (material: PemMaterial) => ImperiumOptions['auth']>> = {
    pem: (material) => material,
    der: ({ ca: root, cert, key }) => ({ ca: ders(root), cert: ders(cert), key: ders(key)[0]! }),
    files: ({ ca: root, cert, key }) =>
      authFromFiles({ ca: file('ca', root), cert: file('cert', cert), key: file('key', key) }),
    environment: ({ ca: root, cert, key }) =>
      authFromEnv({ env: { FLAMINIA_CA: root, FLAMINIA_CERT: cert, FLAMINIA_KEY: key } }),
    function: (material) => async () => material,
  };
  for (const [nodeId, way] of Object.entries(ways)) {
    const address = await freeAddress();
    const material = await issueAuth({ ca, nodeId })(address);
    assert.equal(ders(material.cert).length, 2);
    const node = await members.join(nodeId, { address, auth: way(material), discovery: listing(provider.address) });
    assert.equal(await node.client(Hello).greet('x'), `hi ${nodeId}`);
  }
});

test('[case-10] [case-44] [case-84] no option lets a stranger in or makes a connection plain', async (t) => {
  const members = new Members(t);
  const lax = { rejectUnauthorized: false, allowExpired: true, insecure: true, plaintext: true, tls: false };
  const provider = await members.provider(
    'provider',
    {},
    {
      ...handlers,
      greet: () => assert.fail('it must not arrive'),
    },
  );
  const stranger = issueAuth({ ca: await createAuthority({ name: 'stranger' }), nodeId: 'stranger' });
  const odd = await members.join('stranger', {
    auth: stranger,
    discovery: listing(provider.address),
  });
  await assert.rejects(odd.client(Hello).greet('x'), { code: 'unavailable' });
  for (const auth of [undefined, null, {}, { insecure: true }]) {
    const without = { address: await freeAddress(), auth } as unknown as ImperiumOptions;
    await assert.rejects(Imperium.open(without), { kind: 'invalid-config' });
  }
  for (const [name, value] of Object.entries(lax)) {
    const options = { address: await freeAddress(), auth: stranger, [name]: value };
    const refusal = { kind: 'invalid-config', message: new RegExp(`"${name}"$`) };
    await assert.rejects(Imperium.open(options), refusal);
    await assert.rejects(Domus.open(options), refusal);
  }
  const port = Number(provider.address.split(':').at(-1));
  const plain = connect(port, '127.0.0.1').on('error', () => {});
  let answer = Buffer.alloc(0);
  plain.on('data', (chunk) => {
    answer = Buffer.concat([answer, chunk]);
  });
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await once(plain, 'close');
  // At most the alert of TLS that says so.
  assert.ok(answer.length === 0 || answer[0] === 0x15, answer.toString('hex'));
  assert.equal(provider.domus.reporting.snapshot().primaryCalles.opened, 0);
  await odd.domus.shutdown(ABRUPT);
});

test('[case-14] a call to a provider whose certificate is not for the dialled address fails, and nothing is sent to it', async (t) => {
  const members = new Members(t);
  const [address, behind] = [await freeAddress(), await freeAddress()];
  const elsewhere = { address, listen: behind.replace('tcp://', '') };
  const provider = await members.provider('provider', elsewhere, {
    ...handlers,
    greet: () => assert.fail('it must not arrive'),
  });
  const gateway = await members.join('gateway', { discovery: listing(behind) });
  const error = await failureOf(gateway.client(Hello).greet('secret'));
  assert.equal(error.code, 'unavailable');
  assert.equal((error.cause as { kind?: string }).kind, 'address-mismatch');
  const { primaryCalles, a2, a3 } = provider.domus.reporting.snapshot();
  assert.deepEqual([primaryCalles.opened, a2.messagesIn, a3.messagesIn], [0, 0, 0]);
  await gateway.domus.shutdown(ABRUPT);
});

test('[case-18] a node with all its parts shows no key, inspected, printed or as JSON', async (t) => {
  const members = new Members(t);
  const address = await freeAddress();
  const material = await issueAuth({ ca: await authority, nodeId: 'node' })(address);
  const node = await members.provider('node', {
    address,
    auth: material,
    metadata: { zone: 'a' },
    discovery: listing(),
    seeds: [await freeAddress()],
    log: () => {},
  });
  const body = material.key.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const secret = Buffer.from(body, 'base64').subarray(42, 66);
  const forms = [body.slice(60, 90), secret.toString('hex'), secret.toString('hex').match(/../g)!.join(' ')];
  const parts = [node, node.domus, node.topology, node.health, node.client(Hello), node.topology.nodes()];
  for (const part of parts) {
    const deep = { depth: 9, showHidden: true, maxStringLength: null, maxArrayLength: null };
    const shown = [inspect(part, deep), inspect(part, { ...deep, customInspect: false })];
    shown.push(Object.prototype.toString.call(part), jsonOf(part));
    for (const form of forms) assert.ok(shown.every((text) => !text.includes(form)));
  }
});

function ders(pem: string): Buffer[] {
  return pem
    .split(/-----(?:BEGIN|END) [A-Z ]+-----/)
    .map((block) => Buffer.from(block, 'base64'))
    .filter((block) => block.length > 0);
}

/** Machinery is not made for JSON: it has cycles. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
