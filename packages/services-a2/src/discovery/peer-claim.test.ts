import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLAIM_LIMITS, checkClaim, fittingPeer, type PeerClaim, samePeer } from './peer-claim.ts';

const good = {
  address: 'tcp://[::0001]:07',
  nodeId: 'n',
  services: ['b/v1', 'a/v1', 'b/v1'],
  metadata: { zone: 'eu' },
};

test('[invariant 1] what passes is canonical, complete and frozen', () => {
  const checked = checkClaim(good);
  assert.ok(checked.ok);
  assert.deepEqual(checked.peer, {
    address: 'tcp://[::1]:7',
    nodeId: 'n',
    nodeType: undefined,
    services: ['a/v1', 'b/v1'],
    health: 'unknown',
    metadata: { zone: 'eu' },
  });
  const { services, metadata } = checked.peer;
  assert.ok([checked.peer, services, metadata].every((part) => Object.isFrozen(part)));
  assert.equal(checkClaim({ address: 'unix:///run/a.sock' }).ok, true);
});

test('[invariant 2] anything else is refused, with the field', () => {
  const long = 'x'.repeat(CLAIM_LIMITS.nameChars + 1);
  const many = (count: number) => Array.from({ length: count }, (_, i) => `s${i}/v1`);
  const rows: readonly (readonly [Partial<Record<keyof PeerClaim, unknown>>, string])[] = [
    [{ address: undefined }, 'address'],
    [{ address: 7 }, 'address'],
    [{ address: 'tcp://host.test:1' }, 'address'],
    [{ address: 'tcp://10.0.0.1:0' }, 'address'],
    [{ address: 'tcp://0.0.0.0:1' }, 'address'],
    [{ nodeId: '' }, 'nodeId'],
    [{ nodeId: null }, 'nodeId'],
    [{ nodeId: long }, 'nodeId'],
    [{ nodeType: 7 }, 'nodeType'],
    [{ services: 'a/v1' }, 'services'],
    [{ services: ['a'] }, 'services'],
    [{ services: ['/v1'] }, 'services'],
    [{ services: ['a/'] }, 'services'],
    [{ services: [7] }, 'services'],
    [{ services: many(CLAIM_LIMITS.services + 1) }, 'services'],
    [{ health: 'fine' }, 'health'],
    [{ health: null }, 'health'],
    [{ metadata: [] }, 'metadata'],
    [{ metadata: { a: 1 } }, 'metadata'],
    [{ metadata: { '': 'a' } }, 'metadata'],
    [{ metadata: JSON.parse('{"__proto__":"x"}') as unknown }, 'metadata'],
    [{ metadata: { a: 'x'.repeat(CLAIM_LIMITS.metadataValueChars + 1) } }, 'metadata'],
    [{ metadata: Object.fromEntries(many(CLAIM_LIMITS.metadata + 1).map((key) => [key, ''])) }, 'metadata'],
  ];
  for (const [part, field] of rows) {
    const checked = checkClaim({ ...good, ...part });
    assert.equal(checked.ok, false, JSON.stringify(part));
    assert.ok(!checked.ok && checked.reason.startsWith(field), field);
  }
  assert.equal(checkClaim({ ...good, services: many(CLAIM_LIMITS.services) }).ok, true);
  const fails = {
    get address(): never {
      throw new Error('no address');
    },
  };
  for (const none of [null, undefined, 7, fails] as unknown[]) {
    const refused = checkClaim(none as PeerClaim);
    assert.equal(refused.ok, false);
  }
});

test('of an own announcement what no reader takes is left out, and the rest passes', () => {
  const checked = checkClaim(good);
  assert.ok(checked.ok);
  const { peer } = checked;
  assert.deepEqual(fittingPeer(peer), { peer, left: 0 });
  const metadata = JSON.parse(`{"":"a","__proto__":"b","${'k'.repeat(65)}":"c","zone":"eu"}`) as Record<string, string>;
  assert.deepEqual(fittingPeer({ ...peer, metadata }), { peer: { ...peer, metadata: { zone: 'eu' } }, left: 3 });
  const many = Array.from({ length: 300 }, (_, i) => `s${i}/v1`);
  const large = { ...peer, services: many, metadata: Object.fromEntries(many.map((key) => [key, ''])) };
  const fitting = fittingPeer(large);
  assert.equal(fitting.left, 300 - CLAIM_LIMITS.services + 300 - CLAIM_LIMITS.metadata);
  assert.equal(checkClaim({ ...fitting.peer }).ok, true);
});

test('peers are the same when all they say is the same', () => {
  const peer = (part: Partial<PeerClaim>) => {
    const checked = checkClaim({ ...good, ...part });
    assert.ok(checked.ok);
    return checked.peer;
  };
  const base = peer({ metadata: { a: '1', b: '2' } });
  assert.ok(samePeer(base, peer({ metadata: { b: '2', a: '1' }, services: ['a/v1', 'b/v1'] })));
  for (const part of [
    { nodeId: 'm' },
    { nodeType: 't' },
    { health: 'healthy' },
    { services: ['a/v1', 'c/v1'] },
    { metadata: { a: '1' } },
    { metadata: { a: '1', c: '2' } },
  ]) {
    assert.equal(samePeer(base, peer({ metadata: { a: '1', b: '2' }, ...part })), false, JSON.stringify(part));
  }
});
