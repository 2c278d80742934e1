/** What a file is to the demo: lines that can be orders, or bytes alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { examine, linesOf, UnreadableFile } from './lines.ts';

const scratch = mkdtempSync(join(tmpdir(), 'flaminia-lines-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const { signal } = new AbortController();

function fileOf(content: string | Uint8Array): string {
  const path = join(scratch, 'file');
  writeFileSync(path, content);
  return path;
}

const texts: readonly [name: string, content: string, lines: readonly string[]][] = [
  ['nothing', '', []],
  ['one end', '\n', ['']],
  ['no end', 'a\nb', ['a', 'b']],
  ['ends of both kinds', 'a\r\n\nb\n', ['a', '', 'b']],
  ['letters that lie on the border of two pieces', 'ü'.repeat(40_000), ['ü'.repeat(40_000)]],
];

for (const [name, content, lines] of texts) {
  test(`lines of a text: ${name}`, async () => {
    const path = fileOf(content);
    const read: string[] = [];
    for await (const line of linesOf(path)) read.push(line);
    assert.deepEqual(read, lines);
    assert.deepEqual(await examine(path, signal), { bytes: Buffer.byteLength(content), lines: lines.length });
  });
}

const others: readonly [name: string, content: string | Uint8Array][] = [
  ['a zero byte', 'a\0b\n'],
  ['bytes that are not UTF-8', Buffer.from([0x61, 0xff, 0x0a])],
  ['a letter that is cut off at the end', Buffer.from([0x61, 0x0a, 0xc3])],
  ['a line that is too long', 'x'.repeat(200_000)],
  ['too many lines', '\n'.repeat(1_000_001)],
];

for (const [name, content] of others) {
  test(`no orders are in a file with ${name}`, async () => {
    const { bytes, lines } = await examine(fileOf(content), signal);
    assert.deepEqual([bytes, lines], [content.length, undefined]);
  });
}

test('what cannot be read is named, and an abort is none of it', async () => {
  await assert.rejects(examine(join(scratch, 'nowhere'), signal), UnreadableFile);
  await assert.rejects(examine(fileOf('a'), AbortSignal.abort()), { name: 'AbortError' });
});
