import assert from 'node:assert/strict';
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { UNIX_VECTORS, type UnixVectors } from '../test/unix-vectors.ts';
import { challengeBytes, isSignedBy, proofBytes, signAs } from './unix-signature.ts';

const BYTES = Buffer.from('what is signed');

function challengeOf({ init, challenge }: UnixVectors): Buffer {
  const { origin, destination, nonceB } = challenge;
  return challengeBytes({ nonceA: init.nonceA, nonceB, origin, destination });
}

function proofOf({ init, challenge, callback }: UnixVectors): Buffer {
  const { origin, destination, nonceA } = init;
  return proofBytes({ nonceA, nonceB: challenge.nonceB, nonceBCb: callback.nonceBCb, origin, destination });
}

for (const vectors of UNIX_VECTORS) {
  const { name, alpha, beta, challenge, proof, entries } = vectors;
  const signed = (kind: string): Buffer | undefined => entries.find((entry) => entry.name === kind)?.signed;

  test(`[a0-unix-11] vectors ${name}: the challenge signature covers the recorded bytes and holds`, () => {
    assert.deepEqual(challengeOf(vectors), signed('auth-challenge'));
    assert.equal(isSignedBy(beta.chain[0].publicKey, challengeOf(vectors), challenge.signature), true);
    assert.equal(isSignedBy(alpha.chain[0].publicKey, challengeOf(vectors), challenge.signature), false);
  });

  test(`[a0-unix-12] vectors ${name}: the proof signature covers the recorded bytes and holds`, () => {
    assert.deepEqual(proofOf(vectors), signed('auth-proof'));
    assert.equal(isSignedBy(alpha.chain[0].publicKey, proofOf(vectors), proof.signature), true);
    assert.equal(isSignedBy(beta.chain[0].publicKey, proofOf(vectors), proof.signature), false);
  });

  test(`[a0-unix-13] vectors ${name}: own signatures hold, and no changed byte does`, () => {
    const key = alpha.chain[0].publicKey;
    const own = signAs(alpha.key, proofOf(vectors));
    assert.equal(isSignedBy(key, proofOf(vectors), own), true);
    for (const [bytes, signature] of [
      [flipped(proofOf(vectors), 0), own],
      [proofOf(vectors), flipped(own, own.length - 1)],
      [proofOf(vectors), flipped(own, 0)],
      [proofOf(vectors), own.subarray(0, -1)],
      [proofOf(vectors), Buffer.concat([own, Buffer.of(0)])],
      [proofOf(vectors), Buffer.alloc(0)],
    ] as const) {
      assert.equal(isSignedBy(key, bytes, signature), false);
    }
  });
}

test('[a0-unix-13] Ed25519 makes the very signatures that were recorded', () => {
  const vectors = UNIX_VECTORS.find(({ name }) => name === 'ed25519')!;
  assert.deepEqual(signAs(vectors.beta.key, challengeOf(vectors)), vectors.challenge.signature);
  assert.deepEqual(signAs(vectors.alpha.key, proofOf(vectors)), vectors.proof.signature);
});

test('[a0-unix-13] an RSA signature with another salt, another digest or PKCS#1 padding is refused', () => {
  const { alpha } = UNIX_VECTORS.find(({ name }) => name === 'rsa')!;
  const pss = (digest: string, saltLength: number): Buffer =>
    sign(digest, BYTES, { key: alpha.key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  const held = (signature: Buffer): boolean => isSignedBy(alpha.chain[0].publicKey, BYTES, signature);
  assert.equal(held(pss('sha256', 32)), true);
  for (const saltLength of [0, 20, 31, 33, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
    assert.equal(held(pss('sha256', saltLength)), false, `salt of ${saltLength}`);
  }
  assert.equal(held(pss('sha384', 32)), false);
  assert.equal(held(sign('sha256', BYTES, alpha.key)), false);
});

test('[a0-unix-13] an ECDSA signature in raw form or with another digest is refused', () => {
  for (const [name, digest, other] of [
    ['p256', 'sha256', 'sha384'],
    ['p384', 'sha384', 'sha256'],
  ] as const) {
    const { alpha } = UNIX_VECTORS.find((vectors) => vectors.name === name)!;
    const held = (signature: Buffer): boolean => isSignedBy(alpha.chain[0].publicKey, BYTES, signature);
    assert.equal(held(sign(digest, BYTES, alpha.key)), true);
    assert.equal(held(sign(digest, BYTES, { key: alpha.key, dsaEncoding: 'ieee-p1363' })), false);
    assert.equal(held(sign(other, BYTES, alpha.key)), false);
  }
});

test('[a0-auth-3] keys that A0 does not take verify nothing', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const restricted = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey;
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
  const ed448 = generateKeyPairSync('ed448').privateKey;
  const pss = (key: KeyObject): Buffer =>
    sign('sha256', BYTES, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  for (const [key, signature] of [
    [short, pss(short)],
    [restricted, pss(restricted)],
    [p521, sign('sha512', BYTES, p521)],
    [ed448, sign(null, BYTES, ed448)],
  ] as const) {
    assert.equal(isSignedBy(createPublicKey(key), BYTES, signature), false);
  }
});

function flipped(bytes: Buffer, index: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[index] = changed[index]! ^ 1;
  return changed;
}
