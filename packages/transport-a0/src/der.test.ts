import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  contextTag,
  DER_TAG,
  derBoolean,
  derChildren,
  derObjectIdentifier,
  derSmallInteger,
  derText,
  encodeDer,
  expectDer,
  readDer,
} from './der.ts';
import { DomusError } from './domus-error.ts';

const malformed = { kind: 'protocol-violation', detail: 'malformed-der' };
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('what is encoded is read again, at every size of the length field', () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const content = Buffer.alloc(size, 0x5a);
    const element = readDer(encodeDer(DER_TAG.octetString, content));
    assert.deepEqual([element.tag, element.content.length], [DER_TAG.octetString, size]);
    assert.ok(element.content.equals(content));
  }
});

test('values are views into the input', () => {
  const input = hex('0403010203');
  readDer(input).content[0] = 9;
  assert.equal(input[2], 9);
});

test('children are read one behind the other', () => {
  const parent = readDer(hex('3006020101040161'));
  assert.deepEqual(
    derChildren(parent).map(({ tag, content }) => [tag, content.toString('hex')]),
    [
      [DER_TAG.integer, '01'],
      [DER_TAG.octetString, '61'],
    ],
  );
  assert.deepEqual(derChildren(readDer(hex('3000'))), []);
});

test('invariant 2: only definite, minimal lengths and one-byte tags', () => {
  for (const [name, text] of [
    ['nothing', ''],
    ['no length', '04'],
    ['cut in the value', '040361'],
    ['cut in the length', '048201'],
    ['indefinite length', '30800000'],
    ['length of five bytes', '04850000000001'],
    ['long form for a short length', '04810161'],
    ['leading zero in the length', '0482008061'],
    ['length beyond the input', '0484ffffffff'],
    ['tag of several bytes', '1f810161'],
    ['bytes behind the element', '04016100'],
  ] as const) {
    assert.throws(() => readDer(hex(text)), malformed, name);
  }
  assert.throws(() => derChildren(readDer(hex('0400'))), malformed, 'children of a primitive');
  assert.throws(() => derChildren(readDer(hex('30020401'))), malformed, 'a child that is cut');
});

test('small values', () => {
  assert.equal(derBoolean(readDer(hex('0101ff'))), true);
  assert.equal(derBoolean(readDer(hex('010100'))), false);
  assert.equal(derSmallInteger(readDer(hex('020100'))), 0);
  assert.equal(derSmallInteger(readDer(hex('02020080'))), 128);
  assert.equal(derSmallInteger(readDer(hex('02047fffffff'))), 0x7fffffff);
  assert.equal(derText(Buffer.from('grüße')), 'grüße');
  for (const text of ['010101', '0100', '01020000']) assert.throws(() => derBoolean(readDer(hex(text))), malformed);
  for (const text of ['0200', '0201ff', '02020001', '0205007fffffff']) {
    assert.throws(() => derSmallInteger(readDer(hex(text))), malformed, text);
  }
  assert.throws(() => derText(hex('ff')), malformed);
});

test('object identifiers', () => {
  const oid = (text: string): string => derObjectIdentifier(readDer(hex(text)));
  assert.equal(oid('0603551d11'), '2.5.29.17');
  assert.equal(oid('06092a864886f70d01010b'), '1.2.840.113549.1.1.11');
  assert.equal(oid('0603883703'), '2.999.3');
  for (const text of ['0600', '060180', '06022a80', '06032a8001', '040155'])
    assert.throws(() => oid(text), malformed, text);
});

test('an element is named where it is missing or of another kind', () => {
  assert.throws(() => expectDer(undefined, DER_TAG.sequence, 'subject'), /subject is missing/);
  assert.throws(() => expectDer(readDer(hex('0400')), DER_TAG.sequence, 'subject'), /subject has tag 0x04 for 0x30/);
  assert.deepEqual([contextTag(6, 'primitive'), contextTag(3, 'constructed')], [0x86, 0xa3]);
});

test('invariant 4: whatever the bytes are, only a DomusError escapes', () => {
  let state = 0x2545f491;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const walk = (bytes: Buffer, depth: number): void => {
    const element = readDer(bytes);
    if ((element.tag & 0x20) === 0 || depth > 8) return;
    for (const child of derChildren(element)) walk(child.encoded, depth + 1);
  };
  for (let round = 0; round < 20_000; round++) {
    const bytes = hex('300c300a0603551d110403020101');
    for (let flips = random() % 4; flips > 0; flips--) bytes[random() % bytes.length] = random() & 0xff;
    const cut = random() % 3 === 0 ? bytes.subarray(0, random() % bytes.length) : bytes;
    try {
      walk(cut, 0);
    } catch (error) {
      assert.ok(DomusError.is(error), `${cut.toString('hex')}: ${error}`);
    }
  }
});
