import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChainCase, chainCases } from '../test/chain-cases.ts';
import {
  AUTHORITY,
  CASES_NOW_MS,
  LEAF,
  makeLeaf,
  makeRoot,
  makeSub,
  named,
  plus,
  raw,
  without,
} from '../test/chain-making.ts';
import { OPENSSL_MISSING, opensslRefusal } from '../test/openssl-verify.ts';
import { type ChainQuestion, PATH_MAX, validateChain } from './chain-validator.ts';

const CASES: readonly ChainCase[] = await chainCases();

function questionOf({ chain: [leaf, ...rest], ca }: ChainCase): ChainQuestion {
  return { chain: [leaf!, ...rest], ca, nowMs: CASES_NOW_MS };
}

test('[a0-auth-14] at least 60 chains are judged', () => {
  assert.ok(CASES.length >= 60, `${CASES.length}`);
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length, 'each has a name of its own');
});

for (const one of CASES) {
  test(`[a0-auth-14] ${one.name}: ${one.verdict}`, () => {
    const verdict = validateChain(questionOf(one));
    assert.equal(verdict.kind === 'valid' ? 'valid' : verdict.reason, one.verdict, JSON.stringify(verdict));
    if (verdict.kind !== 'valid') return;
    assert.equal(verdict.path[0], one.chain[0]);
    assert.ok(one.ca.includes(verdict.path.at(-1)!));
    assert.ok(verdict.path.length <= PATH_MAX);
  });

  const relation = one.stricter === undefined ? 'says the same' : `is laxer, since ${one.stricter}`;
  test(`[a0-auth-14] ${one.name}: openssl ${relation}`, { skip: OPENSSL_MISSING }, () => {
    const refusal = opensslRefusal(questionOf(one));
    const granted = one.verdict === 'valid' || one.stricter !== undefined;
    assert.equal(refusal === undefined, granted, refusal);
  });
}

for (const [name, oid, value] of [
  ['blocks of IP addresses', '1.3.6.1.5.5.7.1.7', '30083006040200010500'],
  ['numbers of autonomous systems', '1.3.6.1.5.5.7.1.8', '3004a0020500'],
] as const) {
  // Whether OpenSSL follows these depends on how it was built.
  test(`[a0-auth-15] ${name} are not followed, so they are refused even where they are not critical`, async () => {
    const root = await makeRoot();
    const { certificate } = await makeLeaf(root, plus(LEAF, raw(oid, value)));
    const verdict = validateChain({ chain: [certificate], ca: [root.certificate], nowMs: CASES_NOW_MS });
    assert.deepEqual(verdict, {
      kind: 'refused',
      reason: 'extension',
      text: `certificate 1 of 2 has ${name}, which are not followed`,
    });
  });
}

test('[a0-auth-14] sixteen certificates of one name that vouch for each other are judged at once', async () => {
  const root = await makeRoot();
  const subject = named('round');
  const keyless = { subject, extensions: without(AUTHORITY, 'authority-key-identifier') };
  const round = [await makeRoot(keyless)];
  while (round.length < 16) round.push(await makeSub(round.at(-1)!, 'round', keyless));
  const { certificate } = await makeLeaf(round.at(-1)!, { extensions: without(LEAF, 'authority-key-identifier') });
  const presented = round.slice(1).map((made) => made.certificate);
  const verdict = validateChain({ chain: [certificate, ...presented], ca: [root.certificate], nowMs: CASES_NOW_MS });
  assert.equal(verdict.kind === 'refused' && verdict.reason, 'path-too-long');
});
