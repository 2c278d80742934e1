/**
 * `npm run interop [PATTERN...]`: builds the Rust peer, then runs the tests of this folder against it, all or those
 * whose file name holds a pattern. Ends with the code of the tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '@flaminia/testkit';
import { buildRustPeer } from './build-rust-peer.ts';

const folder = dirname(fileURLToPath(import.meta.url));
/** Longest time for one test, in milliseconds. */
const TEST_TIMEOUT_MS = 300_000;

const patterns = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)))
  .map((name) => join(folder, name));

if (files.length === 0) {
  process.stderr.write(
    `no test file of interop/ has ${patterns.join(' or ')} in its name\nnpm run interop -- [WORD...]\n`,
  );
  process.exitCode = 1;
} else {
  process.stdout.write('building the Rust peer (aurelia 0.2.0) ...\n');
  await buildRustPeer();
  process.exitCode = await runTests(files);
}

/** Runs test files as `npm test` does, one after the other: they measure, and two cores are soon busy. */
async function runTests(files: readonly string[]): Promise<number> {
  const reporter = join(dirname(folder), 'scripts', 'reporter.mjs');
  const flags = ['--test', '--test-concurrency=1', '--test-reporter', reporter, `--test-timeout=${TEST_TIMEOUT_MS}`];
  const child = spawn(process.execPath, [...FROM_SOURCE, ...flags, ...files], { stdio: 'inherit' });
  const forward = (): void => void child.kill('SIGTERM');
  process.on('SIGTERM', forward);
  const [code, signal] = await once(child, 'close');
  process.off('SIGTERM', forward);
  return code ?? (signal === 'SIGINT' ? 130 : 1);
}
