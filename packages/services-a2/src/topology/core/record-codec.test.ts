import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECORD_MAX_BYTES } from './limits.ts';
import type { NodeRecord } from './record.ts';
import { bodyFault, decodeRecord, encodeBody, encodeRecord, fromHex, toHex } from './record-codec.ts';

const NOTHING = new Uint8Array(0);
const RECORD: NodeRecord = {
  nodeId: 'n',
  nodeType: null,
  address: 'tcp://h:1',
  incarnation: 1000,
  left: false,
  health: 'draining',
  services: ['b/v1', 'a/v1'],
  tabernae: [
    { id: 'ff00000000000000', name: 'o' },
    { id: '0000000000000007', name: undefined },
  ],
  metadata: { b: '2', a: '1' },
};
const SERVICES = '8264612f763164622f7631';
const TABERNAE = '8282480000000000000007f68248ff00000000000000616f';
const METADATA = '8282616161318261626132';
const BODY = `8a01616ef6697463703a2f2f683a311903e8f403${SERVICES}${TABERNAE}${METADATA}`;

test('[topo-rec-1, topo-rec-2] the body is one array in its shortest form, with lists in order', () => {
  assert.equal(toHex(encodeBody(RECORD)), BODY);
  const { record } = decodeRecord(encodeRecord(fromHex(BODY), NOTHING, []));
  assert.deepEqual(record, {
    ...RECORD,
    services: ['a/v1', 'b/v1'],
    tabernae: [...RECORD.tabernae].reverse(),
  });
});

test('[topo-rec-2] no other form is taken', () => {
  const others: readonly [part: string, instead: string][] = [
    ['1903e8', '1a000003e8'],
    ['8a01', '8a1801'],
    [SERVICES, '9f64612f763164622f7631ff'],
    [SERVICES, '8264622f763164612f7631'],
    [SERVICES, '8264612f763164612f7631'],
    [TABERNAE, '828248ff00000000000000616f82480000000000000007f6'],
    [TABERNAE, '8282480000000000000007f682480000000000000007f6'],
    [METADATA, '8282616261328261616131'],
    [METADATA, '8282616161318261616131'],
    ['8a01', '8a02'],
    ['f403', 'f404'],
  ];
  for (const [part, instead] of others) {
    assert.equal(BODY.split(part).length, 2, part);
    const body = fromHex(BODY.replace(part, instead));
    assert.throws(() => decodeRecord(encodeRecord(body, NOTHING, [])), { name: 'MalformedItem' }, instead);
  }
  assert.throws(() => decodeRecord(encodeRecord(fromHex(`${BODY}00`), NOTHING, [])), { name: 'MalformedItem' });
});

/** `count` texts of the same length, all different. */
function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`.padStart(3, '0'));
}

test('[topo-rec-4] each part of a record has its bound', () => {
  const parts: readonly [most: number, change: (size: number) => Partial<NodeRecord>][] = [
    [256, (size) => ({ nodeId: 'x'.repeat(size) })],
    [256, (size) => ({ nodeType: 'x'.repeat(size) })],
    [4104, (size) => ({ address: `unix://${'x'.repeat(size - 7)}` })],
    [128, (size) => ({ services: texts(size).map((text) => `${text}/v1`) })],
    [256, (size) => ({ services: [`${'x'.repeat(size - 3)}/v1`] })],
    [256, (size) => ({ tabernae: texts(size).map((text) => ({ id: text.padStart(16, '0'), name: undefined })) })],
    [256, (size) => ({ tabernae: [{ id: '0000000000000007', name: 'x'.repeat(size) }] })],
    [64, (size) => ({ metadata: Object.fromEntries(texts(size).map((text) => [`k${text}`, ''])) })],
    [128, (size) => ({ metadata: { ['x'.repeat(size)]: '' } })],
    [1024, (size) => ({ metadata: { a: 'x'.repeat(size) } })],
  ];
  for (const [most, change] of parts) {
    assert.equal(bodyFault(encodeBody({ ...RECORD, ...change(most) })), undefined, change.toString());
    assert.notEqual(bodyFault(encodeBody({ ...RECORD, ...change(most + 1) })), undefined, change.toString());
  }
});

test('[topo-rec-4] body, signature, certificates and the whole have theirs', () => {
  const full = Object.fromEntries(texts(5).map((text) => [text, 'x'.repeat(1024)]));
  const filler = (size: number): Uint8Array =>
    encodeBody({ ...RECORD, metadata: { ...full, filler: 'x'.repeat(size) } });
  const room = 6144 - filler(900).length + 900;
  assert.equal(filler(room).length, 6144);
  const bytes = (length: number): Uint8Array => new Uint8Array(length);
  const read = (body: Uint8Array, signature: number, ...chain: number[]): unknown =>
    decodeRecord(encodeRecord(body, bytes(signature), chain.map(bytes)));
  read(filler(room), 1024, 8192, 1, 1, 1);
  assert.throws(() => read(filler(room + 1), 0), { name: 'MalformedItem' });
  assert.throws(() => read(filler(0), 1025), { name: 'MalformedItem' });
  assert.throws(() => read(filler(0), 0, 8193), { name: 'MalformedItem' });
  assert.throws(() => read(filler(0), 0, 1, 1, 1, 1, 1), { name: 'MalformedItem' });
  assert.equal(RECORD_MAX_BYTES, 15_616);
});
