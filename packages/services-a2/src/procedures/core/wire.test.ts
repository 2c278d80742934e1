/** Heads as they are written and read, against another CBOR library and against random bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFirst, encode } from 'cborg';
import { HeadReader, HeadWriter, NO_LIMIT, textItem } from './wire.ts';

const NUMBERS = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

test('[proc-msg-2] numbers, texts and byte strings are written in their shortest form', () => {
  const writer = new HeadWriter(1);
  for (const number of NUMBERS) {
    writer.begin(2);
    writer.uint(number);
    writer.none();
    assert.deepEqual(writer.copy(), encode([number, null]));
  }
  for (const text of ['', 'a', 'ä€𝄞', 'x'.repeat(23), 'x'.repeat(24), 'x'.repeat(300), 'x'.repeat(70_000)]) {
    writer.begin(2);
    writer.text(text);
    writer.byteString(Buffer.from(text));
    assert.deepEqual(writer.copy(), encode([text, new TextEncoder().encode(text)]));
    assert.deepEqual(textItem(text), encode(text));
  }
});

test('[proc-msg-2] heads are read as they were written, and in every width', () => {
  const reader = new HeadReader();
  for (const number of NUMBERS) {
    reader.begin(Buffer.concat([encode([number, null, 'text', null]), encode('behind')]), 4);
    assert.deepEqual(
      [reader.uint(), reader.uintOrNone(), reader.text(), reader.uintOrNone()],
      [number, NO_LIMIT, 'text', NO_LIMIT],
    );
    assert.deepEqual([reader.isBad, reader.at], [false, encode([number, null, 'text', null]).length]);
  }
  for (const hex of ['811805', '81190005', '811a00000005', '811b0000000000000005', '98011805', '9a000000011805']) {
    reader.begin(Buffer.from(hex, 'hex'), 1);
    assert.deepEqual([reader.uint(), reader.isBad], [5, false], hex);
  }
  for (const hex of [
    '',
    '80',
    '8205',
    '9f05ff',
    '811b0020000000000000',
    '81fb4014000000000000',
    '8120',
    '8161',
    '811c05',
    'a105',
  ]) {
    reader.begin(Buffer.from(hex, 'hex'), 1);
    assert.deepEqual([reader.uint(), reader.isBad], [0, true], hex);
  }
});

test('[proc-msg-2] texts that are no UTF-8, lengths beyond the bytes and keys of other lengths are bad', () => {
  const reader = new HeadReader();
  for (const hex of ['8162c328', '8163ff', '8178ff61', '817bffffffffffffffff61', '817f6161ff']) {
    reader.begin(Buffer.from(hex, 'hex'), 1);
    assert.deepEqual([reader.text(), reader.isBad], ['', true], hex);
  }
  for (const length of [0, 7, 9]) {
    reader.begin(encode([new Uint8Array(length)]), 1);
    reader.keyOrNone();
    assert.ok(reader.isBad);
  }
  reader.begin(encode([Uint8Array.of(0xff, 0, 0, 1, 0x80, 0, 0, 2)]), 1);
  assert.deepEqual([reader.keyOrNone(), reader.hi, reader.lo, reader.isBad], [true, 0xff00_0001, 0x8000_0002, false]);
});

test('[proc-name-3] only a whole name is a name', () => {
  const reader = new HeadReader();
  const isText = (sent: string, item: Uint8Array): boolean => {
    reader.begin(encode([sent]), 1);
    reader.textRange();
    return reader.isText(item);
  };
  for (const name of ['sums/v1/add', `sums/v1/${'x'.repeat(15)}`, `sums/v1/${'x'.repeat(16)}`, 'x'.repeat(302)]) {
    const item = textItem(name);
    assert.ok(isText(name, item));
    for (let cut = 1; cut <= 4; cut++) {
      assert.ok(!isText(name.slice(cut), item), `${name} without its first ${cut}`);
      assert.ok(!isText(name.slice(0, -cut), item));
      assert.ok(!isText('x'.repeat(cut) + name, item));
    }
  }
});

test('[case-88] random and changed bytes are read without a throw, and never beyond their end', () => {
  const seed = Number(process.env.SEED ?? 7);
  const random = mulberry32(seed);
  const reader = new HeadReader();
  for (let round = 0; round < 100_000; round++) {
    const inner = new Uint8Array(1 + Math.floor(random() * 24));
    for (let at = 0; at < inner.length; at++) inner[at] = random() * 256;
    if (random() < 0.8) inner[0] = 0x80 + Math.floor(random() * 8);
    const around = new Uint8Array(inner.length + 32).fill(0x01);
    around.set(inner, 16);
    const bytes = around.subarray(16, 16 + inner.length);
    reader.begin(bytes, bytes[0]! & 7);
    const read = [reader.uint(), reader.text(), reader.uintOrNone(), reader.byteStringOrNone()?.length];
    assert.ok(reader.isBad || reader.at <= bytes.length, `seed ${seed}, round ${round}`);
    if (reader.isBad || (bytes[0]! & 7) !== 4) continue;
    // What could be read means the same to the other library.
    const [head] = decodeFirst(bytes) as [unknown[], Uint8Array];
    const told = head.map((each) => (each instanceof Uint8Array ? each.length : each));
    assert.deepEqual(told, [read[0], read[1], read[2] === NO_LIMIT ? null : read[2], read[3] ?? null], `seed ${seed}`);
  }
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
