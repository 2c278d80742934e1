/** The guard by its properties, byte by byte. What decoding then makes of the bytes stands in the tests of `cbor.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CBOR_BIGNUM_MAX_BYTES, CBOR_DEPTH_MAX, CBOR_ITEMS_MAX, type CborRefusal, refuseCbor } from './cbor-guard.ts';

type Case = readonly [hex: string, expected: CborRefusal | undefined, why?: string];

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const textHex = (text: string) => {
  const body = Buffer.from(text);
  const head = body.length < 24 ? [0x60 + body.length] : [0x78, body.length];
  return Buffer.from([...head, ...body]).toString('hex');
};

function check(cases: readonly Case[]): void {
  for (const [hex, expected, why] of cases) {
    assert.equal(refuseCbor(bytesOf(hex)), expected, `${why ?? ''} ${hex.slice(0, 80)}`);
  }
}

test('[api-19] property 1: every width of every major type passes when it is whole', () => {
  check([
    ['00', undefined],
    ['17', undefined],
    ['18ff', undefined],
    ['19ffff', undefined],
    ['1affffffff', undefined],
    ['1bffffffffffffffff', undefined],
    ['3bffffffffffffffff', undefined],
    ['40', undefined],
    ['5801aa', undefined],
    ['590001aa', undefined],
    ['5a00000001aa', undefined],
    ['5b0000000000000001aa', undefined],
    ['6161', undefined],
    ['80', undefined],
    ['98020102', undefined],
    ['a0', undefined],
    ['b801616101', undefined],
    ['9f0102ff', undefined],
    ['bf616101ff', undefined],
    ['9fff', undefined],
    ['bfff', undefined],
    ['f4', undefined],
    ['f5', undefined],
    ['f6', undefined],
    ['f7', undefined],
    ['f93c00', undefined],
    ['fa3f800000', undefined],
    ['fb3ff0000000000000', undefined],
  ]);
});

test('[api-19] property 1: truncation at every byte is refused, and so is a byte too many', () => {
  const whole = bytesOf(
    'a3 6161 9f 01 1903e8 ff 6162 c1fb41d452d9e2000000 6163 d90102 81 d90103 bf 01 82 f6 43010203 ff',
  );
  assert.equal(refuseCbor(whole), undefined);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(refuseCbor(whole.subarray(0, length)), 'truncated', `after ${length} bytes`);
  }
  assert.equal(refuseCbor(Uint8Array.of(...whole, 0)), 'trailing-bytes');
  check([
    ['0000', 'trailing-bytes'],
    ['8000', 'trailing-bytes'],
    ['ff', 'malformed', 'a break alone'],
    ['00ff', 'trailing-bytes'],
  ]);
});

test('[api-19] property 1: reserved heads, misplaced breaks and half pairs are malformed', () => {
  for (let major = 0; major < 8; major++) {
    for (const info of [28, 29, 30]) {
      const initial = Buffer.of((major << 5) | info).toString('hex');
      check([[`${initial}0000000000000000`, 'malformed']]);
    }
  }
  check([
    ['1f', 'malformed'],
    ['3f', 'malformed'],
    ['5f4101ff', 'malformed', 'indefinite byte strings, which cbor-x does not take'],
    ['7f6161ff', 'malformed', 'indefinite text'],
    ['df00', 'malformed'],
    ['81ff', 'malformed', 'a break in an array of known length: cbor-x would give its own marker object'],
    ['8201ff', 'malformed'],
    ['a1ff00', 'key'],
    ['a16161ff', 'malformed'],
    ['bf6161ff', 'malformed', 'a key without a value'],
    ['9fc1ff', 'malformed', 'a tag without content'],
    ['d90103bf01ff', 'malformed'],
  ]);
});

test('[api-19] property 2: 64 containers may be open, not 65, in any mixture', () => {
  const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}00${close.repeat(depth)}`;
  for (const [open, close] of [
    ['81', ''],
    ['9f', 'ff'],
    ['a16161', ''],
    ['bf6161', 'ff'],
    ['d9010281', ''],
    ['d90103a100', ''],
  ] as const) {
    check([
      [nested(open, close, CBOR_DEPTH_MAX), undefined, open],
      [nested(open, close, CBOR_DEPTH_MAX + 1), 'too-deep', open],
      [open.repeat(100_000), 'too-deep', open],
    ]);
  }
  const siblings = `82${'81'.repeat(CBOR_DEPTH_MAX - 1)}00${'81'.repeat(CBOR_DEPTH_MAX - 1)}00`;
  check([[siblings, undefined, 'siblings do not add up']]);
});

test('[api-19] property 3: the number of items is bounded, containers, keys and tags included', () => {
  const list = (items: number) => {
    const bytes = new Uint8Array(5 + items).fill(0x80);
    bytes[0] = 0x9a;
    new DataView(bytes.buffer).setUint32(1, items);
    return bytes;
  };
  assert.equal(refuseCbor(list(CBOR_ITEMS_MAX - 1)), undefined);
  assert.equal(refuseCbor(list(CBOR_ITEMS_MAX)), 'too-many-items');
  const endless = new Uint8Array(CBOR_ITEMS_MAX + 2).fill(0x00);
  endless[0] = 0x9f;
  endless[endless.length - 1] = 0xff;
  assert.equal(refuseCbor(endless), 'too-many-items');
  const long = new Uint8Array(5 + 2 * CBOR_ITEMS_MAX);
  long[0] = 0x5a;
  new DataView(long.buffer).setUint32(1, 2 * CBOR_ITEMS_MAX);
  assert.equal(refuseCbor(long), undefined, 'bytes are no items');
});

test('[api-19] property 1: lengths that the bytes cannot hold are refused before anything is built', () => {
  check([
    ['9affffffff', 'truncated'],
    ['9bffffffffffffffff00', 'truncated'],
    ['ba00000002616100', 'truncated'],
    ['bbffffffffffffffff', 'truncated'],
    ['7affffffff61', 'truncated'],
    ['7bffffffffffffffff61', 'truncated'],
    ['5b0000000100000000aa', 'truncated'],
    ['9a00ffffff'.repeat(8), 'truncated'],
  ]);
});

test('[api-19] property 4: the tags of Date, bigint, typed arrays, Set and Map pass on their own content', () => {
  check([
    ['c11a5f000000', undefined],
    ['c13a5f000000', undefined],
    ['c1fb41d452d9e2000000', undefined],
    ['c1f93c00', undefined],
    ['c240', undefined],
    ['c3420100', undefined],
    ['d90102820102', undefined],
    ['d901029f01ff', undefined],
    ['d90103a1f600', undefined],
    ['d90103bf8000ff', undefined],
    ['da00000102 80', undefined, 'a tag in more bytes than it needs'],
    ['db0000000000000103 a0', undefined],
    ['d801 00', undefined],
  ]);
  check([
    ['c161 61', 'tag-content', 'a date of text'],
    ['c11b0000000000000001', 'tag-content', 'a date of 64 bits'],
    ['c1f6', 'tag-content'],
    ['c1f4', 'tag-content'],
    ['c201', 'tag-content'],
    ['c26161', 'tag-content'],
    ['c281 00', 'tag-content'],
    ['d90102a0', 'tag-content'],
    ['d9010380', 'tag-content'],
    ['c1c100', 'tag-content', 'a tag on a tag'],
    ['d90102d9010280', 'tag-content'],
  ]);
});

test('[api-19] property 4: typed arrays have whole elements, and types that JavaScript has', () => {
  const sizes: Record<number, number> = {
    ...{ 64: 1, 65: 2, 66: 4, 67: 8, 68: 1, 69: 2, 70: 4, 71: 8, 72: 1, 73: 2, 74: 4, 75: 8, 77: 2, 78: 4, 79: 8 },
    ...{ 81: 4, 82: 8, 85: 4, 86: 8 },
  };
  for (let tag = 60; tag < 92; tag++) {
    const head = `d8${tag.toString(16)}`;
    const size = sizes[tag];
    if (size === undefined) {
      check([[`${head}40`, 'tag']]);
      continue;
    }
    check([
      [`${head}40`, undefined],
      [`${head}50${'00'.repeat(16)}`, undefined],
      [`${head}${(0x40 + size + 1).toString(16)}${'00'.repeat(size + 1)}`, size === 1 ? undefined : 'tag-content'],
      [`${head}80`, 'tag-content'],
    ]);
  }
});

test('[api-19] property 4: every other tag is refused, in every width', () => {
  const tags = [0, 4, 5, 6, 14, 15, 21, 24, 25, 27, 28, 29, 32, 37, 51, 105, 216, 225, 256, 257, 260, 28704, 55799];
  const records = [0xdff9, 0xdffe, 0xdfff, 0xe000, 0xe0ff, 0xffff, 0x5368_7264];
  for (const tag of [...tags, ...records]) {
    const widths: [number, string, number][] = [
      [0xff, 'd8', 2],
      [0xffff, 'd9', 4],
      [0xffff_ffff, 'da', 8],
      [0xffff_ffff, 'db', 16],
    ];
    for (const [max, head, digits] of widths) {
      if (tag <= max) check([[`${head}${tag.toString(16).padStart(digits, '0')}82006161`, 'tag', `tag ${tag}`]]);
    }
  }
  check([['dbffffffffffffffff00', 'tag']]);
});

test('[api-19] property 5: bigints have at most 32 bytes', () => {
  const bignum = (tag: string, length: number) =>
    Uint8Array.from([...Buffer.from(tag, 'hex'), 0x5a, ...Buffer.from(length.toString(16).padStart(8, '0'), 'hex')]);
  for (const tag of ['c2', 'c3', 'd802', 'db0000000000000003']) {
    const whole = (length: number) => Buffer.concat([bignum(tag, length), Buffer.alloc(length, 0xff)]);
    assert.equal(refuseCbor(whole(CBOR_BIGNUM_MAX_BYTES)), undefined);
    assert.equal(refuseCbor(whole(CBOR_BIGNUM_MAX_BYTES + 1)), 'tag-content');
    assert.equal(refuseCbor(whole(4 * 1024 * 1024)), 'tag-content');
  }
});

test('[api-19] property 6: keys of objects are text or integers; keys of a Map are anything', () => {
  for (const [key, ok] of [
    ['6161', true],
    ['60', true],
    ['05', true],
    ['20', true],
    ['1bffffffffffffffff', true],
    ['4161', false],
    ['80', false],
    ['a0', false],
    ['f6', false],
    ['f5', false],
    ['f93c00', false],
    ['c100', false],
    ['c24101', false],
  ] as const) {
    check([
      [`a1${key}00`, ok ? undefined : 'key'],
      [`bf${key}00ff`, ok ? undefined : 'key'],
      [`81a2616100${key}00`, ok ? undefined : 'key'],
      [`d90103a1${key}00`, undefined],
      [`d90103bf${key}00ff`, undefined],
    ]);
  }
});

test('[api-19] property 6: a key cannot reach a prototype, at any depth and in any width', () => {
  const proto = textHex('__proto__');
  const ctor = textHex('constructor');
  check([
    [`a1${proto}00`, 'reserved-key'],
    [`a1${proto}a0`, 'reserved-key'],
    [`bf616100${proto}f6ff`, 'reserved-key'],
    [`a16161 81a1${proto}00`, 'reserved-key'],
    [`a1 7809${proto.slice(2)} 00`, 'reserved-key'],
    [`d90103a101a1${proto}00`, 'reserved-key'],
    [`a1${ctor}a0`, 'reserved-key'],
    [`bf${ctor}bfffff`, 'reserved-key'],
    [`a1 790 00b${ctor.slice(2)} a0`, 'reserved-key'],
    [`a1${ctor}${textHex('a name')}`, undefined, 'a text under constructor'],
    [`a1${ctor}81a0`, undefined],
    [`a1${ctor}d90103a0`, undefined, 'a Map, whose keys are no properties'],
    [`a2${ctor}006161a0`, undefined],
    [`d90103a1${proto}a0`, undefined, 'in a Map it is a key like others'],
    [`d90103a1${ctor}a0`, undefined],
    [`82${ctor}a0`, undefined, 'as an element'],
    [`a16161${proto}`, undefined, 'as a value'],
    [`a1${textHex('__proto_')}00`, undefined],
    [`a1${textHex('__proto___')}00`, undefined],
  ]);
});

test('[api-19] property 7: text is UTF-8, wherever it stands and however long', () => {
  const bad = ['80', 'c0af', 'c328', 'e28228', 'eda080', 'f4908080', 'f0808080', 'ff', 'e2'];
  for (const hex of bad) {
    for (const padding of [0, 5, 70]) {
      const body = Buffer.concat([Buffer.alloc(padding, 0x61), Buffer.from(hex, 'hex'), Buffer.alloc(padding, 0x61)]);
      const text = `78${body.length.toString(16).padStart(2, '0')}${body.toString('hex')}`;
      check([
        [text, 'text'],
        [`a1${text}00`, 'text'],
        [`a100${text}`, 'text'],
      ]);
    }
  }
  check([[textHex('Größe 🛶 漢字 \u0000'), undefined]]);
});

test('[api-19] property 7: a byte order mark passes only where cbor-x keeps it', () => {
  const marked = (bytes: number) => textHex(`\ufeff${'a'.repeat(bytes - 3)}`);
  check([
    [marked(3), undefined],
    [marked(64), undefined],
    [marked(65), 'text'],
    [marked(200), 'text'],
  ]);
});

test('[api-19] property 8: text that cbor-x takes for a break is refused where it looks for one', () => {
  const lookalike = textHex('[object Object]');
  const wide = `79000f${lookalike.slice(2)}`;
  for (const text of [lookalike, wide]) {
    check([
      [`9f${text}ff`, 'text'],
      [`9f00${text}00ff`, 'text'],
      [`bf${text}00ff`, 'text'],
      [`d901029f${text}ff`, 'text'],
      [`bf00${text}ff`, undefined, 'values are not compared'],
      [`9f81${text}ff`, undefined, 'nor is what lies deeper'],
      [`81${text}`, undefined],
      [`a1${text}00`, undefined],
      [text, undefined],
    ]);
  }
});

test('[api-19] property 4: simple values are false, true, null and undefined', () => {
  for (let value = 0; value < 24; value++) {
    const hex = (0xe0 + value).toString(16);
    check([[hex, value < 20 ? 'simple-value' : undefined]]);
  }
  check([
    ['f814', 'simple-value', 'false in two bytes'],
    ['f8ff', 'simple-value'],
  ]);
});
