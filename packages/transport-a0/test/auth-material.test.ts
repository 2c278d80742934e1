/** Own material: what is read, what is refused with which text, and that no key byte is left where it could be seen. */
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { type AnyKeyAlgorithm, exportPkcs8, type IssuedCertificate } from '@flaminia/certificates/internal';
import {
  type AuthMaterial,
  isSelfSigned,
  loadAuthMaterial,
  type Pkcs8AuthConfig,
  requireAddress,
} from '../src/auth-material.ts';
import { contextTag, DER_TAG, derChildren, encodeDer, readDer } from '../src/der.ts';
import { DomusError } from '../src/domus-error.ts';
import { identityOf } from '../src/identity.ts';
import { TcpBackend } from '../src/tcp-backend.ts';
import { createTlsCredentials } from '../src/tls-credentials.ts';
import { BAD_CERTIFICATES, openWorkshop, type Workshop } from './tcp-certificates.ts';
import { freeAddress, issueAuthority, issueLeaf, type Leaf, LIMITS } from './tcp-imperium.ts';

interface Vectors {
  readonly authority: string;
  readonly leaves: Readonly<
    Record<string, { address: string; certificates: string; privateKey: string; privateKeyVersion2?: string }>
  >;
}

const path = new URL('../../../docs/protocol/vectors/material.json', import.meta.url);
const vectors: Vectors = JSON.parse(readFileSync(path, 'utf8'));

let workshop: Workshop;
let leaf: Leaf;
let good: Pkcs8AuthConfig;

before(async () => {
  workshop = await openWorkshop(await freeAddress());
  leaf = await issueLeaf(workshop.authority, workshop.address.text);
  good = { ca: workshop.authority.certificatePem, cert: leaf.chain, key: leaf.issued.privateKeyPem };
});

describe('[a0-auth-1] [a0-auth-2] [a0-auth-3] [a0-auth-9] the material of the golden vectors is read', () => {
  for (const [name, { address, certificates, privateKey, privateKeyVersion2 }] of Object.entries(vectors.leaves)) {
    for (const key of [privateKey, privateKeyVersion2]) {
      if (key === undefined) continue;
      test(`${name}${key === privateKey ? '' : ', PKCS#8 version 2'}`, () => {
        const kind = name.startsWith('tcp') ? 'tcp' : 'unix';
        const material = loadAuthMaterial({ ca: vectors.authority, cert: certificates, key }, kind);
        assert.equal(material.address, address);
        assert.equal(material.chain.length, certificates.split('BEGIN').length - 1);
        const identity = identityOf(material.chain[0], material.address);
        assert.deepEqual([identity.nodeId, identity.nodeType], [name.split('-')[1], 'vectors']);
      });
    }
  }
});

test('[a0-auth-1] [case-9] each part is taken as PEM text, PEM bytes or DER, alone or in lists', async () => {
  const { authority, stranger, address } = workshop;
  const der = createPrivateKey(leaf.issued.privateKeyPem).export({ format: 'der', type: 'pkcs8' });
  const configs: Pkcs8AuthConfig[] = [
    {
      ca: Buffer.from(authority.certificatePem),
      cert: Buffer.from(leaf.chain),
      key: Buffer.from(leaf.issued.privateKeyPem),
    },
    { ca: authority.certificateDer, cert: leaf.issued.certificateDer, key: new Uint8Array(der) },
    {
      ca: [authority.certificateDer, stranger.certificatePem],
      cert: [leaf.issued.certificateDer, authority.certificatePem + stranger.certificatePem],
      key: `some text before\n${leaf.issued.privateKeyPem}`,
    },
    { ...good, cert: leaf.chain + leaf.issued.privateKeyPem },
    {
      ca: Buffer.from(`0: the authority\n${authority.certificatePem}`),
      cert: Buffer.from(`0 s:CN = node-1\n${leaf.chain}`),
      key: Buffer.from(`0\n${leaf.issued.privateKeyPem}`),
    },
  ];
  const loaded = configs.map((config) => loadAuthMaterial(config, 'tcp'));
  assert.deepEqual(
    loaded.map(({ ca, chain }) => [ca.length, chain.length]),
    [
      [1, 1],
      [1, 1],
      [2, 3],
      [1, 1],
      [1, 1],
    ],
  );
  for (const material of loaded) assert.equal(material.address, address.text);
  assert.ok(Object.isFrozen(loaded[0]));
});

test('[a0-auth-1] certificates may lack a subject, as leaves with alternative names alone and their authorities do', async () => {
  const authority = await issueAuthority({ subject: [] });
  const { issued, chain } = await issueLeaf(authority, workshop.address.text, { subject: [] });
  const load = (cert: string): AuthMaterial =>
    loadAuthMaterial({ ca: authority.certificatePem, cert, key: issued.privateKeyPem }, 'tcp');
  const identity = identityOf(load(chain).chain[0], workshop.address.text);
  assert.deepEqual([identity.nodeId, identity.nodeType], [null, null]);
  const weak = await issueLeaf(authority, workshop.address.text, { subject: [], signatureHash: 'SHA-1' });
  assert.throws(
    () => load(weak.chain),
    (error) => isInvalid(error, 'cert', /certificate "" must be signed with SHA-256/),
  );
});

test('[a0-auth-2] version 2 is read for every kind of key', async () => {
  for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
    const { issued, chain } = await issueLeaf(workshop.authority, workshop.address.text, { key: algorithm });
    const der = issued.key.export({ format: 'der', type: 'pkcs8' });
    const key = version2(der);
    assert.equal(loadAuthMaterial({ ca: workshop.authority.certificateDer, cert: chain, key }, 'tcp').chain.length, 1);
  }
  const { issued, chain } = await issueLeaf(workshop.authority, workshop.address.text, { key: 'Ed25519' });
  const key = exportPkcs8(issued.key, 2);
  assert.ok(loadAuthMaterial({ ca: workshop.authority.certificateDer, cert: chain, key }, 'tcp'));
});

describe('[a0-auth-5] [case-9] a bad part is refused and named', () => {
  const stray = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const rows: readonly (readonly [string, 'ca' | 'cert' | 'key', (config: Pkcs8AuthConfig) => unknown, RegExp])[] = [
    ['ca: empty text', 'ca', () => '', /holds no certificate$/],
    ['ca: empty list', 'ca', () => [], /holds no certificate/],
    ['ca: a path', 'ca', () => './ca.pem', /holds no certificate; it takes the PEM text itself, not the path/],
    ['cert: a path', 'cert', () => ['./leaf.pem'], /holds no certificate; it takes the PEM text itself/],
    ['key: a path', 'key', () => './leaf.key', /no PEM block "PRIVATE KEY"; it takes the PEM text itself/],
    ['ca: a damaged block', 'ca', ({ ca }) => String(ca).replace('END', 'EN'), /damaged PEM block/],
    ['ca: not a certificate', 'ca', () => Buffer.from('3003020101', 'hex'), /cannot be parsed/],
    [
      'ca: bytes behind the certificate',
      'ca',
      () => Buffer.concat([workshop.authority.certificateDer, Buffer.of(0)]),
      /cannot be parsed/,
    ],
    ['ca: a number', 'ca', () => 7, /must be PEM text, bytes, or a list/],
    ['ca: null in a list', 'ca', () => [null], /must be PEM text or bytes, got null/],
    ['[a0-auth-19] ca: none self-signed', 'ca', ({ cert }) => cert, /no self-signed certificate/],
    ['cert: empty', 'cert', () => '', /holds no certificate/],
    ['cert: empty list', 'cert', () => [], /holds no certificate/],
    ['cert: cut', 'cert', () => leaf.issued.certificateDer.subarray(0, 200), /cannot be parsed/],
    ['cert: the authority first', 'key', ({ ca, cert }) => `${ca}${cert}`, /does not belong to the first certificate/],
    ['key: of somebody else', 'key', () => stray, /does not belong to the first certificate/],
    ['key: empty', 'key', () => '', /no PEM block "PRIVATE KEY"/],
    ['key: a certificate', 'key', ({ cert }) => cert, /no PEM block "PRIVATE KEY"/],
    [
      'key: not PKCS#8',
      'key',
      ({ key }) => createPrivateKey(String(key)).export({ format: 'pem', type: 'sec1' }),
      /"EC PRIVATE KEY"/,
    ],
    ['key: encrypted', 'key', ({ key }) => encrypted(String(key)), /"ENCRYPTED PRIVATE KEY"/],
    ['key: two of them', 'key', ({ key }) => `${key}${key}`, /must hold one private key, got 2/],
    ['key: garbage in DER', 'key', () => Buffer.from('3003020100', 'hex'), /cannot be parsed/],
    [
      'key: garbage in PEM',
      'key',
      () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      /cannot be parsed/,
    ],
    ['key: nothing', 'key', () => undefined, /must be PEM text or bytes, got undefined/],
  ];
  for (const [name, named, part, text] of rows) {
    test(name, () => {
      const given = name.includes('ca:') ? 'ca' : name.startsWith('cert') ? 'cert' : 'key';
      const config = { ...good, [given]: part(good) };
      assert.throws(
        () => loadAuthMaterial(config, 'tcp'),
        (error) => isInvalid(error, named, text),
      );
    });
  }
});

describe('[a0-auth-3] keys of other kinds are refused, in the leaf, in the key and in the CA set', () => {
  for (const algorithm of ['P-521', 'Ed448', 'RSA-1024', 'RSA-PSS-2048'] as readonly AnyKeyAlgorithm[]) {
    test(algorithm, async () => {
      const odd = await issueLeaf(workshop.authority, workshop.address.text, { key: algorithm });
      const text = /must (have a key of|be) RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, or Ed25519, not/;
      const asLeaf = { ...good, cert: odd.chain };
      assert.throws(
        () => loadAuthMaterial(asLeaf, 'tcp'),
        (error) => isInvalid(error, 'cert', text),
      );
      const asKey = { ...good, key: odd.issued.privateKeyPem };
      assert.throws(
        () => loadAuthMaterial(asKey, 'tcp'),
        (error) => isInvalid(error, 'key', text),
      );
      const authority = await issueAuthority({ key: algorithm, issuer: workshop.authority });
      const inSet = { ...good, ca: [workshop.authority.certificatePem, authority.certificatePem] };
      assert.throws(
        () => loadAuthMaterial(inSet, 'tcp'),
        (error) => isInvalid(error, 'ca', text),
      );
    });
  }
});

test('[a0-auth-4] a SHA-1 signature is refused anywhere; RSA-PSS with SHA-256 is not', async () => {
  const weak = await issueLeaf(workshop.authority, workshop.address.text, { signatureHash: 'SHA-1' });
  const text = /must be signed with SHA-256/;
  const config = { ...good, cert: weak.chain, key: weak.issued.privateKeyPem };
  assert.throws(
    () => loadAuthMaterial(config, 'tcp'),
    (error) => isInvalid(error, 'cert', text),
  );
  const old = await issueAuthority({ signatureHash: 'SHA-1' });
  assert.throws(
    () => loadAuthMaterial({ ...good, ca: old.certificateDer }, 'tcp'),
    (error) => isInvalid(error, 'ca', text),
  );
  for (const [signatureHash, isTaken] of [
    ['SHA-256', true],
    ['SHA-1', false],
  ] as const) {
    const authority = await issueAuthority({ key: 'RSA-2048', signaturePadding: 'pss', signatureHash });
    const load = (): AuthMaterial => loadAuthMaterial({ ...good, ca: authority.certificateDer }, 'tcp');
    if (isTaken) assert.ok(load());
    else assert.throws(load, (error) => isInvalid(error, 'ca', text));
  }
});

describe('[case-11] a leaf that peers would refuse for itself alone is refused at once', () => {
  const others =
    /no names|only|two addresses|malformed|URI|IP name|DNS name|CA:TRUE|extended key usage|key usage without/;
  for (const { name, make } of BAD_CERTIFICATES.filter(
    (row) => others.test(row.name) && !/intermediate/.test(row.name),
  )) {
    test(name, async () => {
      const { issued, chain } = await make(workshop);
      const config = { ...good, cert: chain, key: issued.privateKeyPem };
      assert.throws(
        () => loadAuthMaterial(config, 'tcp'),
        (error) => isInvalid(error, 'cert', /^invalid-config: auth material: cert /),
      );
    });
  }
});

test('[case-11] the refusal of a leaf without an address, or with two, says which', async () => {
  const { address, authority } = workshop;
  const load = async (names: readonly { readonly kind: 'uri' | 'ip'; readonly value: string }[]) => {
    const extensions = [{ kind: 'subject-alternative-name', names }] as const;
    const { chain, issued } = await issueLeaf(authority, address.text, { extensions });
    return loadAuthMaterial({ ...good, cert: chain, key: issued.privateKeyPem }, 'tcp');
  };
  const [own, other] = [`aurelia+${address.text}`, `aurelia+tcp://${address.ip}:1`];
  const [uri, ip] = [(value: string) => ({ kind: 'uri', value }) as const, { kind: 'ip', value: address.ip } as const];
  await assert.rejects(load([ip]), (error) => isInvalid(error, 'cert', /no aurelia\+tcp:\/\/ name/));
  const both = new RegExp(`names two addresses, ${address.text} and tcp://${address.ip}:1$`);
  await assert.rejects(load([uri(own), uri(other), ip]), (error) => isInvalid(error, 'cert', both));
  assert.equal((await load([uri(own), uri('spiffe://example.org/x'), uri(own), ip])).address, address.text);
});

test('[a0-auth-9] [a0-auth-12] material is loaded for one transport: the names of the other do not count', () => {
  assert.throws(
    () => loadAuthMaterial(good, 'unix'),
    (error) => isInvalid(error, 'cert', /no aurelia\+unix:\/\/ name/),
  );
});

test('material of another address is an address-mismatch', () => {
  const material = loadAuthMaterial(good, 'tcp');
  requireAddress(material, workshop.address.text);
  assert.throws(() => requireAddress(material, 'tcp://127.0.0.1:1'), { kind: 'address-mismatch' });
  assert.deepEqual([isSelfSigned(material.ca[0]!), isSelfSigned(material.chain[0])], [true, false]);
});

test('[a0-auth-6] neither inspect nor JSON nor an error shows a key byte, of material or of a backend made with it', () => {
  const material = loadAuthMaterial(good, 'tcp');
  const unused = (): void => {};
  const backend = new TcpBackend({
    address: workshop.address.text,
    limits: () => LIMITS,
    material: () => material,
    nextSequence: () => 0,
    events: { accepted: unused, inboundFailed: unused, admissionRefused: unused, listenerFailed: unused },
  });
  const errors = [
    () => loadAuthMaterial({ ...good, key: leaf.issued.privateKeyPem.replace('MIG', 'MIA') }, 'tcp'),
    () => loadAuthMaterial({ ...good, key: `${leaf.issued.privateKeyPem}${leaf.issued.privateKeyPem}` }, 'tcp'),
    () => loadAuthMaterial({ ...good, cert: workshop.authority.certificatePem }, 'tcp'),
    () => loadAuthMaterial({ ...good, ca: leaf.issued.privateKeyPem }, 'tcp'),
  ].map(thrownBy);
  const shown = [material, backend, ...errors].map((value) =>
    inspect(value, { depth: 20, showHidden: true, maxArrayLength: null }),
  );
  const texts = [...shown, JSON.stringify(material), JSON.stringify(errors)];
  for (const text of texts) for (const secret of secretsOf(leaf.issued)) assert.equal(text.includes(secret), false);
});

test('[a0-auth-7] buffers of the caller are left alone, those of the library hold nothing of the key afterwards', async () => {
  const fresh = await issueLeaf(workshop.authority, workshop.address.text);
  const given = fresh.issued.key.export({ format: 'der', type: 'pkcs8' });
  const before = Buffer.from(given);
  loadAuthMaterial({ ...good, cert: fresh.chain, key: given }, 'tcp');
  assert.ok(given.equals(before));

  // Small buffers come from a pool of Node's, so what was not wiped stands there for anybody.
  const other = await issueLeaf(workshop.authority, workshop.address.text);
  const pools = new Set([poolOf()]);
  const material = loadAuthMaterial({ ...good, cert: other.chain, key: other.issued.privateKeyPem }, 'tcp');
  const { server } = createTlsCredentials(material);
  pools.add(poolOf());
  const kept = Buffer.concat([...pools].map((pool) => new Uint8Array(pool)));
  const d = Buffer.from(other.issued.key.export({ format: 'jwk' }).d ?? '', 'base64url');
  assert.equal(d.length, 32);
  assert.equal(kept.includes(d), false);
  // Node keeps the buffer that a server was made with.
  const { key } = server as { readonly key?: Buffer };
  assert.ok(key === undefined || key.every((byte) => byte === 0));
});

/** The memory that Node now cuts small buffers from. */
function poolOf(): ArrayBufferLike {
  return Buffer.from('x').buffer;
}

/** The private number in the forms in which it could be printed. */
function secretsOf({ key, privateKeyPem }: IssuedCertificate): string[] {
  const d = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const hex = d.toString('hex');
  const lines = privateKeyPem.split('\n').slice(1, -2);
  return [
    hex,
    hex.slice(8, 40),
    hex.replace(/(..)(?=.)/g, '$1 ').slice(0, 60),
    d.toString('base64url'),
    lines[0]!,
    lines[1]!,
  ];
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('it should have thrown');
}

function isInvalid(error: unknown, part: string, text: RegExp): boolean {
  assert.ok(DomusError.is(error), String(error));
  assert.deepEqual([error.kind, error.detail], ['invalid-config', part], error.message);
  assert.match(error.message, text);
  return true;
}

function encrypted(pem: string): string {
  return createPrivateKey(pem)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
}

/** PKCS#8 version 1 with the version raised and a public key field behind, as RFC 5958 writes version 2. */
function version2(der: Buffer): Buffer {
  const [, algorithm, key] = derChildren(readDer(der));
  const version = Buffer.of(DER_TAG.integer, 1, 1);
  const publicKey = encodeDer(contextTag(1, 'primitive'), Buffer.of(0, 0x7f));
  return encodeDer(DER_TAG.sequence, version, algorithm!.encoded, key!.encoded, publicKey);
}
