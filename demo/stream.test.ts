/** The stream of the demo: files of every size arrive as they are, however they are cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCut, assertSummary, figure, fileOf, leftovers, run } from './run-demo.ts';

test('a large file that is no text is cut in its middle, and repeats chunks', async () => {
  const content = Buffer.alloc(24 * 1024 * 1024 + 1, 0xff);
  for (let at = 0; at < content.length - 4; at += 4096) content.writeUInt32BE(at, at);
  const { path, sha256 } = fileOf('large.bin', content);
  const result = await run(['--socket', '--no-services', '--orders', '0', path]);
  assertSummary(result, 0, content.length);
  assertCut(result.stdout);
  assert.ok(figure(result.stdout, 'chunks sent again') > 0);
  assert.ok(result.stdout.includes(`${sha256}… at both ends`));
});

test('an empty file is no order, and a stream that nothing can cut', async () => {
  const result = await run(['--socket', '--no-services', fileOf('empty.txt', Buffer.alloc(0)).path]);
  assertSummary(result, 0, 0);
  assert.match(result.stdout, / cuts +0 \(nothing was on its way\)/);
});

test('a file of one byte is one order, and a stream that is cut before its end', async () => {
  const { path, sha256 } = fileOf('one.txt', Buffer.from('x'));
  const result = await run(['--no-services', path]);
  assertSummary(result, 1, 1);
  assertCut(result.stdout);
  // A busy machine may take 20 ms from the byte to the end of the file: then the byte left by itself (a1-bsend-4).
  assert.match(result.stdout, /cut when (0 bytes|1 byte) of 1 byte had arrived/);
  assert.ok(result.stdout.includes(`${sha256}… at both ends`));
});

test('beside a file that is no text orders are made up; an interrupt while the stream is cut ends all, quietly', async () => {
  const { path } = fileOf('picture.bin', Buffer.alloc(8 * 1024 * 1024, 0xfe));
  const act = (group: number): boolean => process.kill(-group, 'SIGINT');
  const { code, stdout, stderr } = await run(['--socket', path], { line: /were cut/, act });
  assert.deepEqual([code, stderr], [130, '']);
  assert.match(
    stdout,
    /^Flaminia: one gateway, two workers, 100,000 orders over Unix sockets,\nand .*picture\.bin \(8\.4 MB\)/,
  );
  assert.match(stdout, /\nstopped\n$/);
});

test('no run has left a folder behind', () => {
  assert.deepEqual(leftovers(), []);
});
