import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { filesUnder } from './files.ts';
import { tokensOf } from './tokens.ts';

const root = new URL('../..', import.meta.url).pathname;
const shown = (source: string) => tokensOf(source).map((token) => `${token.kind}:${token.value}`);

test('comments vanish, whatever quotes they hold', () => {
  assert.deepEqual(shown("a // it's\n/* `never` ' */ b"), ['word:a', 'word:b']);
  assert.deepEqual(shown('#!/usr/bin/env node\na'), ['word:a']);
});

test('what looks like a comment inside text stays text', () => {
  assert.deepEqual(shown(`'/* a' "// b" 'it\\'s'`), ['text:/* a', 'text:// b', "text:it\\'s"]);
});

test('a template is its pieces of text with the tokens of its expressions between them', () => {
  const source = ['`a $', '{ { b: `c$', '{d}` } } $e \\` f` g'].join('');
  const expected = 'text:a |sign:{|word:b|sign::|text:c|word:d|text:|sign:}|text: $e \\` f|word:g';
  assert.equal(shown(source).join('|'), expected);
});

test('a slash behind a value divides, elsewhere it begins a regular expression', () => {
  assert.deepEqual(shown('a / b / c'), ['word:a', 'sign:/', 'word:b', 'sign:/', 'word:c']);
  assert.deepEqual(shown("x = /[/'\\]]\\/'/g;"), ['word:x', 'sign:=', "pattern:/[/'\\]]\\/'/g", 'sign:;']);
  assert.deepEqual(shown("return /'/"), ['word:return', "pattern:/'/"]);
});

test('a slash behind a value that is asserted divides; behind a negation a regular expression begins', () => {
  assert.deepEqual(shown('a! / b!'), ['word:a', 'sign:!', 'sign:/', 'word:b', 'sign:!']);
  assert.deepEqual(
    shown("a[0]! / 2 + f()!! / '3'").filter((token) => token.startsWith('pattern')),
    [],
  );
  assert.deepEqual(shown("return !/'/"), ['word:return', 'sign:!', "pattern:/'/"]);
  assert.deepEqual(shown("a = b && !!/'/"), [
    'word:a',
    'sign:=',
    'word:b',
    'sign:&',
    'sign:&',
    'sign:!',
    'sign:!',
    "pattern:/'/",
  ]);
});

test('numbers, private names and long signs are one token each', () => {
  assert.deepEqual(shown('1_000.5e-3 0xffn #a ?. => ...'), [
    'number:1_000.5e-3',
    'number:0xffn',
    'word:#a',
    'sign:?.',
    'sign:=>',
    'sign:...',
  ]);
});

test('tokens know their line', () => {
  const lines = tokensOf(['a\n/* \n */ `x\n$', '{b}\n` c'].join('')).map(
    (token) => `${token.value.trim()}@${token.line}`,
  );
  assert.deepEqual(lines, ['a@1', 'x@3', 'b@4', '@4', 'c@5']);
});

test('a quote that never ends is told with its line, and its file where that is known', () => {
  assert.throws(() => tokensOf("a\n'b"), /line 2: a quote that never ends/);
  assert.throws(() => tokensOf('`a ${b'), /line 1: a template that never ends/);
  assert.throws(() => tokensOf("'a", 'src/a.ts'), /src\/a\.ts, line 1: a quote that never ends/);
});

test('every source file of the repository is read to its end', () => {
  const files = ['packages', 'scripts'].flatMap((folder) => filesUnder(root, folder, '.ts'));
  assert.ok(files.length > 20);
  for (const file of files) assert.doesNotThrow(() => tokensOf(readFileSync(`${root}/${file}`, 'utf8')), file);
});
