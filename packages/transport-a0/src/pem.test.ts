import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { pemBlocks, pemBuffer } from './pem.ts';

test('a block is written as base64 in lines of 64, at every length', () => {
  for (let length = 0; length < 200; length++) {
    const der = Buffer.from(Array.from({ length }, (_, index) => (index * 37 + length) & 0xff));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    const expected = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
    assert.equal(pemBuffer('PRIVATE KEY', der).toString(), expected, `${length} bytes`);
  }
});

test('[a0-auth-1] what is written is what Node writes and reads', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = pemBuffer('PRIVATE KEY', privateKey.export({ type: 'pkcs8', format: 'der' }));
  assert.equal(pem.toString(), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  assert.ok(createPrivateKey(pem).equals(privateKey));
});

test('[a0-auth-1] several blocks, text around them and either kind of line end are read', () => {
  const text =
    'subject=x\r\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\r\nthen\n-----BEGIN B C-----\nBAU=\n-----END B C-----';
  assert.deepEqual(
    pemBlocks(text)?.map(({ label, der }) => [label, der.toString('hex')]),
    [
      ['A', '010203'],
      ['B C', '0405'],
    ],
  );
  assert.deepEqual(pemBlocks('no block'), []);
});

test('a damaged block spoils the text', () => {
  for (const text of [
    '-----BEGIN A-----\nAQID\n',
    '-----BEGIN A-----\nAQID\n-----END B-----',
    '-----BEGIN A-----\nAQI\n-----END A-----',
    '-----BEGIN A-----\nAQ*D\n-----END A-----',
    '-----BEGIN A-----\nAQ=D\n-----END A-----',
    '-----BEGIN A-----\n-----END A-----',
    '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n-----END A-----',
  ]) {
    assert.equal(pemBlocks(text), undefined, text);
  }
});
