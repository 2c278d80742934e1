import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPeer } from '../../test/discovery/discovery-host.ts';
import { checkClaim } from './peer-claim.ts';
import { decodeTxt, encodeTxt } from './txt-record.ts';

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));

test('a peer comes back as it was, whatever its names hold', () => {
  const peer = testPeer('tcp://10.0.0.1:1', {
    nodeId: 'eu=1, "ö"',
    nodeType: 'store',
    health: 'draining',
    services: Array.from({ length: 40 }, (_, i) => `service-${i}, 50%/v${i}`).sort(),
    metadata: { 'a=b': 'c=d', '%3D': '%', 'm-m': '', Zone: 'EU', zone: 'eu' },
  });
  const { texts, left } = encodeTxt(peer, 4_000);
  assert.equal(left, 0);
  assert.ok(texts.every((text) => text.length <= 255));
  const checked = checkClaim({ address: peer.address, ...decodeTxt(texts) });
  assert.deepEqual(checked, { ok: true, peer });
});

test('what has no room is left out, the metadata first, and counted', () => {
  const services = Array.from({ length: 20 }, (_, i) => `service-${String(i).padStart(2, '0')}/v1`);
  const peer = testPeer('tcp://10.0.0.1:1', { nodeId: 'n', services, metadata: { a: 'x'.repeat(200), b: 'y' } });
  const { texts, left } = encodeTxt(peer, 400);
  assert.ok(texts.reduce((sum, text) => sum + text.length + 1, 0) <= 400);
  const {
    services: told,
    metadata,
    nodeId,
  } = decodeTxt(texts) as { services: string[]; metadata: object; nodeId: string };
  assert.equal(nodeId, 'n');
  assert.deepEqual(metadata, { b: 'y' });
  assert.equal(20 - told.length + 1, left);
  assert.equal(encodeTxt({ ...peer, nodeId: 'x'.repeat(254) }, 4_000).left, 1, 'a text has at most 255 bytes');
});

test('metadata that no reader takes is left out and counted, and the peer is taken', () => {
  const peer = testPeer('tcp://10.0.0.1:1', { metadata: { zone: 'eu' } });
  const { texts, left } = encodeTxt({ ...peer, metadata: { ...peer.metadata, ['k'.repeat(65)]: 'x' } }, 1_300);
  assert.equal(left, 1);
  assert.deepEqual(checkClaim({ address: peer.address, ...decodeTxt(texts) }), { ok: true, peer });
});

test('foreign texts are read as far as they go, the first of a key counts', () => {
  assert.deepEqual(
    decodeTxt(
      bytes('txtvers=1', '', '=x', 'flag', 'id=a', 'id=b', 'services=a/v1,,b%2Cc/v1,%zz/v1', 'm-=x', 'health='),
    ),
    { nodeId: 'a', nodeType: undefined, health: '', services: ['a/v1', 'b,c/v1', '%zz/v1'], metadata: {} },
  );
  assert.equal(decodeTxt([Uint8Array.from([0x69, 0x64, 0x3d, 0xff])]).nodeId, '\ufffd');
  const endless = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`m-${i}=x`));
  assert.ok(Object.keys(decodeTxt(endless).metadata as object).length < 500);
});
