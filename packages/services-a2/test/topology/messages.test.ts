/** The messages of the topology, byte for byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tabernaId } from '@flaminia/domus';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import * as messages from '../../src/topology/core/messages.ts';
import { fromHex, toHex } from '../../src/topology/core/record-codec.ts';
import { TOPOLOGY_TABERNA } from '../../src/topology/topology-taberna.ts';

const NAME = { key: '0102030405060708', incarnation: 1000, stampHi: 0xa0b0_c0d0, stampLo: 7 };
const NAME_HEX = '834801020304050607081903e848a0b0c0d000000007';
const RECORD = fromHex('010203');
const FACTS: readonly [messages.Fact, string][] = [
  [{ kind: 'record', bytes: RECORD, claimer: undefined, ageMs: 0 }, '820043010203'],
  [{ kind: 'record', bytes: RECORD, claimer: '', ageMs: 90_000 }, '84014301020360185a'],
  [{ kind: 'suspect', about: NAME, claimer: 'b' }, `8302${NAME_HEX}6162`],
  [{ kind: 'dead', about: NAME, claimer: 'b', ageMs: 1_000 }, `8403${NAME_HEX}616201`],
];
const ENCODED = FACTS.map(([fact]) => messages.encodeFact(fact));

test('[topo-msg-1] the taberna and the types are these', () => {
  assert.deepEqual(TOPOLOGY_TABERNA, { idHi: 0x2b7a_93eb, idLo: 0xcffe_4c50 });
  assert.equal(tabernaId('flaminia/topology'), 0x2b7a93ebcffe4c50n);
  const names = ['gossip', 'link', 'unlink', 'compare', 'differences', 'exchange', 'probe', 'probeRequest'];
  const all = [...names, 'probeResult', 'infoRequest', 'info'];
  assert.deepEqual(MESSAGE, Object.fromEntries(all.map((name, index) => [name, 0x0001_0000 + index])));
});

test('[topo-msg-1] facts and messages have the bytes of the protocol, and are read again', () => {
  for (const [fact, hex] of FACTS) assert.equal(toHex(messages.encodeFact(fact)), hex);
  const facts = FACTS.map(([fact]) => fact);
  const factsHex = `84${FACTS.map(([, hex]) => hex).join('')}`;
  const gossip = messages.encodeGossip(3, 0xa0b0_c0d0, 7, ENCODED);
  assert.equal(toHex(gossip), `830348a0b0c0d000000007${factsHex}`);
  assert.deepEqual(messages.decodeGossip(gossip), { degree: 3, rootHi: 0xa0b0_c0d0, rootLo: 7, facts });
  assert.equal(toHex(messages.encodeNumber(5)), '05');
  const digests = Uint32Array.from({ length: 256 }, (_, index) => index);
  const compare = messages.encodeCompare(0xffff_ffff, digests);
  assert.ok(toHex(compare).startsWith('821affffffff590400000000000000000100000002'));
  assert.deepEqual(messages.decodeCompare(compare), { token: 0xffff_ffff, digests });
  const listing = { bucket: 200, names: [NAME] };
  const differences = messages.encodeDifferences(7, [messages.encodeListing(listing)]);
  assert.equal(toHex(differences), `8207818218c881${NAME_HEX}`);
  assert.deepEqual(messages.decodeDifferences(differences), { token: 7, listings: [listing] });
  const head = { token: 7, isAnswer: true, served: 2 };
  const exchange = messages.encodeExchange(head, ENCODED, [NAME.key]);
  assert.equal(toHex(exchange), `8507f502${factsHex}81480102030405060708`);
  assert.deepEqual(messages.decodeExchange(exchange), { ...head, facts, wants: [NAME.key] });
  assert.equal(toHex(messages.encodeProbeRequest(7, 'tcp://h:1')), '8207697463703a2f2f683a31');
  assert.equal(toHex(messages.encodeProbeResult(7, true)), '8207f5');
  assert.equal(toHex(messages.encodeInfo(7, RECORD)), '820743010203');
});

test('[topo-msg-1] a token has 32 bits, a key 8 bytes, a comparison 1,024, and nothing stands behind the end', () => {
  const malformed = { name: 'MalformedItem' };
  assert.throws(() => messages.decodeProbeResult(fromHex('821b0000000100000000f5')), malformed);
  assert.throws(() => messages.decodeProbeResult(fromHex('8207f500')), malformed);
  assert.throws(() => messages.decodeNumber(fromHex('0500')), malformed);
  assert.throws(() => messages.decodeCompare(fromHex('82074101')), malformed);
  assert.throws(() => messages.decodeExchange(fromHex('8507f502808143010203')), malformed);
  assert.throws(() => messages.decodeDifferences(fromHex('8207818219010080')), malformed);
});
