import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { type AnyKeyAlgorithm, checkKeyAlgorithm, exportPkcs8, generateKey, type KeyAlgorithm } from './key.ts';

const KINDS: readonly [AnyKeyAlgorithm, type: string, detail: object][] = [
  ['P-256', 'ec', { namedCurve: 'prime256v1' }],
  ['P-384', 'ec', { namedCurve: 'secp384r1' }],
  ['P-521', 'ec', { namedCurve: 'secp521r1' }],
  ['Ed25519', 'ed25519', {}],
  ['Ed448', 'ed448', {}],
  ['RSA-2048', 'rsa', { modulusLength: 2048 }],
  ['RSA-1024', 'rsa', { modulusLength: 1024 }],
  ['RSA-PSS-2048', 'rsa-pss', { modulusLength: 2048 }],
];

for (const [algorithm, type, detail] of KINDS) {
  test(`a ${algorithm} key is made as asked, and PKCS#8 version 1 brings it back`, async () => {
    const key = await generateKey(algorithm);
    assert.equal(key.asymmetricKeyType, type);
    assert.deepEqual({ ...key.asymmetricKeyDetails, ...detail }, { ...key.asymmetricKeyDetails });
    const back = createPrivateKey(exportPkcs8(key));
    assert.ok(createPublicKey(back).equals(createPublicKey(key)));
  });
}

test('[a0-auth-3] only kinds of keys that every peer accepts pass the check; the error names field, range and value', () => {
  for (const good of ['P-256', 'P-384', 'Ed25519', 'RSA-2048', 'RSA-3072', 'RSA-8192'] as const) {
    checkKeyAlgorithm(good);
  }
  for (const bad of ['P-521', 'RSA-1024', 'RSA-2047', 'RSA-8200', 'RSA-NaN', 'RSA-2e3', 'RSA-PSS-2048', 'p256', '']) {
    assert.throws(
      () => checkKeyAlgorithm(bad as KeyAlgorithm),
      (error) => {
        assert.ok(DomusError.is(error) && error.kind === 'invalid-config' && error.detail === 'algorithm');
        assert.ok(error.message.includes('2048 to 8192') && error.message.includes(JSON.stringify(bad)), error.message);
        return true;
      },
    );
  }
});

/** The key pair of RFC 8410, sections 10.1 and 10.3. */
const RFC_8410 = {
  privateKey: 'd4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842',
  publicKey: '19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1',
};

test('PKCS#8 version 2 of an Ed25519 key is RFC 5958 to the byte: version 1 as an integer, the public key under tag 1', () => {
  const v1 = Buffer.from(`302e020100300506032b657004220420${RFC_8410.privateKey}`, 'hex');
  const key = createPrivateKey({ key: v1, format: 'der', type: 'pkcs8' });
  const pem = exportPkcs8(key, 2);
  assert.match(pem, /^-----BEGIN PRIVATE KEY-----\n(.{1,64}\n)+-----END PRIVATE KEY-----\n$/);
  const body = pem.split('\n').slice(1, -2).join('');
  assert.equal(
    Buffer.from(body, 'base64').toString('hex'),
    `3051020101300506032b657004220420${RFC_8410.privateKey}812100${RFC_8410.publicKey}`,
  );
});

test('PKCS#8 version 2 is refused for other keys, which no peer reads in it', async () => {
  const key = await generateKey('P-256');
  assert.throws(() => exportPkcs8(key, 2), { kind: 'invalid-config', detail: 'pkcs8' });
});
