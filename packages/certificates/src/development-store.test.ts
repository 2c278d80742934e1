import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { scratchFolder } from '../test/scratch.ts';
import { type DevelopmentLeaf, developmentMaterial } from './development-store.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const WORKER: DevelopmentLeaf = { address: 'tcp://127.0.0.1:7000', nodeId: 'worker-1', nodeType: 'dev', now: NOW };

test('[api-51] [case-2] one authority for all; a leaf for each node, type and address; each used again by the same', async (t) => {
  const folder = scratchFolder(t);
  const first = await developmentMaterial(folder, WORKER);
  const others: DevelopmentLeaf[] = [
    { ...WORKER, nodeId: 'worker-2' },
    { ...WORKER, nodeType: 'gateway' },
    { ...WORKER, address: 'tcp://127.0.0.1:7001' },
    { ...WORKER, address: 'unix:///run/worker' },
  ];
  for (const other of others) {
    const material = await developmentMaterial(folder, other);
    assert.equal(material.ca, first.ca);
    assert.notEqual(material.cert, first.cert);
    const leaf = new X509Certificate(material.cert);
    assert.ok(leaf.verify(new X509Certificate(first.ca).publicKey));
    assert.ok(leaf.checkPrivateKey(createPrivateKey(material.key)));
    assert.ok(leaf.subjectAltName?.includes(`aurelia+${other.address}`));
    assert.deepEqual({ ...leaf.toLegacyObject().subject }, { CN: other.nodeId, OU: other.nodeType });
  }
  assert.deepEqual(await developmentMaterial(folder, WORKER), first);
  assert.equal((await readdir(join(folder, 'leaves'))).length, 1 + others.length);
  assert.deepEqual((await readdir(folder)).sort(), ['authority', 'leaves']);
});

test('[case-1] an empty folder gets the files that are documented, and every one with a key is for its owner alone', {
  skip: process.platform === 'win32' && 'there are no modes',
}, async (t) => {
  const folder = scratchFolder(t);
  await developmentMaterial(folder, WORKER);
  const modes = new Map<string, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    const { mode } = await stat(join(folder, name));
    modes.set(name.replace(/-[0-9a-f]{32}/, '-<hash>'), (mode & 0o777).toString(8));
  }
  assert.deepEqual(Object.fromEntries([...modes].sort()), {
    authority: '700',
    'authority/certificate.pem': '600',
    'authority/key.pem': '600',
    leaves: '700',
    'leaves/worker-1-<hash>.pem': '600',
  });
});

test('(invariant 4) a leaf is used again while more than a third of its life is left, then replaced', async (t) => {
  const folder = scratchFolder(t);
  const first = await developmentMaterial(folder, WORKER);
  assert.deepEqual(await developmentMaterial(folder, { ...WORKER, now: NOW + 59 * DAY_MS }), first);
  const second = await developmentMaterial(folder, { ...WORKER, now: NOW + 61 * DAY_MS });
  assert.notEqual(second.cert, first.cert);
  assert.equal(second.ca, first.ca);
  assert.equal((await readdir(join(folder, 'leaves'))).length, 1, 'in place of the old one');
  const early = await developmentMaterial(folder, { ...WORKER, now: NOW + 61 * DAY_MS });
  assert.deepEqual(early, second);
});

test('a leaf of a clock that was ahead is not used before its time', async (t) => {
  const folder = scratchFolder(t);
  await developmentMaterial(folder, WORKER);
  const ahead = await developmentMaterial(folder, { ...WORKER, nodeId: 'ahead', now: NOW + 5 * DAY_MS });
  const back = await developmentMaterial(folder, { ...WORKER, nodeId: 'ahead', now: NOW });
  assert.notEqual(back.cert, ahead.cert);
  assert.ok(Date.parse(new X509Certificate(back.cert).validFrom) <= NOW);
});

test('(invariant 3) a node with a valid leaf needs no key of the authority; one without is told what is missing', async (t) => {
  const folder = scratchFolder(t);
  const first = await developmentMaterial(folder, WORKER);
  await rm(join(folder, 'authority', 'key.pem'));
  assert.deepEqual(await developmentMaterial(folder, WORKER), first);
  await assert.rejects(developmentMaterial(folder, { ...WORKER, nodeId: 'newcomer' }), (error) => {
    assert.ok(DomusError.is(error) && error.kind === 'invalid-config' && error.detail === 'directory');
    assert.match(error.message, /newcomer needs a new leaf, and the key of its authority is missing/);
    assert.ok(error.message.includes(folder));
    return true;
  });
});

test('(invariant 5) a damaged leaf is replaced, wherever the damage is', async (t) => {
  const folder = scratchFolder(t);
  const { ca } = await developmentMaterial(folder, WORKER);
  const path = join(folder, 'leaves', (await readdir(join(folder, 'leaves')))[0]!);
  const other = await developmentMaterial(folder, { ...WORKER, nodeId: 'other' });
  const foreign = await developmentMaterial(scratchFolder(t), WORKER);
  const whole = await readFile(path, 'utf8');
  const keyBegins = whole.indexOf('-----BEGIN PRIVATE KEY');
  const damages = [
    '',
    whole.slice(0, keyBegins),
    whole.slice(keyBegins),
    whole.slice(0, -40),
    `${whole.slice(0, keyBegins)}${other.key}`,
    `${foreign.cert}${foreign.key}`,
  ];
  for (const damage of damages) {
    await writeFile(path, damage);
    const material = await developmentMaterial(folder, WORKER);
    assert.equal(material.ca, ca);
    assert.ok(new X509Certificate(material.cert).checkPrivateKey(createPrivateKey(material.key)));
    assert.equal(await readFile(path, 'utf8'), `${material.cert}${material.key}`);
  }
});

test('(invariant 5) a damaged authority is left to the user, and the error says what to do', async (t) => {
  const damages: readonly [name: string, damage: (folder: string) => Promise<void>, text: RegExp][] = [
    [
      'certificate cut',
      (folder) => truncate(join(folder, 'certificate.pem'), 100),
      /certificate of its authority is missing or/,
    ],
    ['certificate gone', (folder) => rm(join(folder, 'certificate.pem')), /certificate of its authority is missing or/],
    ['key cut', (folder) => truncate(join(folder, 'key.pem'), 100), /key of its authority is missing or damaged/],
    ['key of another', (folder) => copyKeyOfAnother(folder, scratchFolder(t)), /do not match/],
  ];
  for (const [name, damage, text] of damages) {
    const folder = scratchFolder(t);
    await developmentMaterial(folder, WORKER);
    await damage(join(folder, 'authority'));
    await assert.rejects(
      developmentMaterial(folder, { ...WORKER, nodeId: 'newcomer' }),
      (error) => DomusError.is(error) && text.test(error.message) && error.message.endsWith('delete the folder'),
      name,
    );
  }
});

test('an authority that has expired, or is of the future, is refused with its dates', async (t) => {
  const folder = scratchFolder(t);
  await developmentMaterial(folder, WORKER);
  for (const now of [NOW + 3651 * DAY_MS, NOW - DAY_MS]) {
    await assert.rejects(
      developmentMaterial(folder, { ...WORKER, now }),
      /its authority is valid from .* GMT to .* GMT/,
    );
  }
});

test('leaves that expired long ago are swept when a new one is issued', async (t) => {
  const folder = scratchFolder(t);
  await developmentMaterial(folder, WORKER);
  await developmentMaterial(folder, { ...WORKER, nodeId: 'later', now: NOW + 91 * DAY_MS });
  const names = await readdir(join(folder, 'leaves'));
  assert.deepEqual(
    names.map((name) => name.replace(/-[0-9a-f]{32}/, '')),
    ['later.pem'],
  );
});

test('node ids with unusual characters keep files in the folder, apart from each other', async (t) => {
  const folder = scratchFolder(t);
  const ids = ['a:b', 'a b', 'a_b', 'ä', '.hidden', '...', 'x'.repeat(64), '💡'.repeat(64)];
  for (const nodeId of ids) await developmentMaterial(folder, { ...WORKER, nodeId });
  const names = await readdir(join(folder, 'leaves'));
  assert.equal(names.length, ids.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_.-]{1,128}-[0-9a-f]{32}\.pem$/);
});

async function copyKeyOfAnother(authority: string, otherStore: string): Promise<void> {
  await developmentMaterial(otherStore, WORKER);
  await writeFile(join(authority, 'key.pem'), await readFile(join(otherStore, 'authority', 'key.pem')));
}
