/** What the commands of the workspace say to somebody who has mistyped an argument: what is wrong, and what there is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Without `bench`, which builds `dist` anew before it looks, under the hands of other tests. */
const MISTAKES: readonly (readonly [command: string, says: RegExp])[] = [
  ['start --foo', /Unknown option '--foo'[\s\S]*npm start -- \[/],
  ['test nosuchword', /no path of a test file holds nosuchword\nnpm test -- \[/],
  ['interop nosuchword', /no test file of interop\/ has nosuchword in its name\nnpm run interop -- \[/],
  ['build --foo', /npm run build takes no arguments, got --foo/],
  ['check nosuchword', /npm run check takes no arguments, got nosuchword/],
  ['conformance --foo', /there is no option --foo\nnpm run conformance -- \[/],
  ['conformance --only', /--only needs a word\nnpm run conformance -- \[/],
  ['sim --foo', /Unknown option '--foo'\nnpm run sim -- \[/],
  ['sim --swarm {', /--swarm must be an object as JSON, got \{\nnpm run sim -- \[/],
  ['sim-calls --foo', /Unknown option '--foo'\nnpm run sim-calls -- \[/],
  ['fuzz --foo', /Unknown option '--foo'\nnpm run fuzz -- \[/],
  ['mutants --foo', /Unknown option '--foo'\nnpm run mutants -- \[/],
  ['mutants --only told-twice,nosuchbug', /no mutant is called nosuchbug\nnpm run mutants -- \[/],
  ['mutants --jobs 0', /--jobs must be a whole number above 0, got 0\nnpm run mutants -- \[/],
  ['nosuchtask', /unknown task "nosuchtask"; known: start, build, /],
];

for (const [command, says] of MISTAKES) {
  test(`${command}: is refused in a line or two, without a stack`, () => {
    const args = ['scripts/run.mjs', ...command.split(' ')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    assert.match(stderr, says);
    assert.doesNotMatch(stdout + stderr, /^ {4}at /m);
    assert.ok(status !== null && status > 0, `ended with ${status}`);
  });
}
