/** What this package issues is what A0 loads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, devAuth, issueAuth } from '@flaminia/certificates';
import type { DomusAddr } from '@flaminia/transport-a0';
import { loadAuthMaterial } from '@flaminia/transport-a0/internal';
import { scratchFolder } from './scratch.ts';

const ADDRESSES: readonly [DomusAddr, kind: 'tcp' | 'unix'][] = [
  ['tcp://127.0.0.1:7000', 'tcp'],
  ['tcp://[::1]:7000', 'tcp'],
  ['unix:///run/with space, comma', 'unix'],
];

test('[api-53] [a0-auth-2] [a0-auth-3] [case-12] A0 loads issued material: every kind of key and address, below an intermediate', async () => {
  const ca = await createAuthority({ name: 'intermediate', parent: await createAuthority() });
  for (const [algorithm, pkcs8] of [['P-256'], ['P-384'], ['Ed25519'], ['Ed25519', 2], ['RSA-2048']] as const) {
    for (const [address, kind] of ADDRESSES) {
      const issue = issueAuth({ ca, nodeId: 'worker-1', nodeType: 'worker', algorithm, pkcs8: pkcs8 ?? 1 });
      const loaded = loadAuthMaterial(await issue(address), kind);
      assert.equal(loaded.address, address);
      assert.equal(loaded.chain.length, 2);
    }
  }
});

test('[api-51] A0 loads development material', async (t) => {
  const directory = scratchFolder(t);
  for (const [address, kind] of ADDRESSES) {
    const material = await devAuth({ nodeId: 'worker-1', directory })(address);
    assert.equal(loadAuthMaterial(material, kind).address, address);
  }
});
