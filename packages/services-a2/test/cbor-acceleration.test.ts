/** cbor-x may find native code and use it; nothing that `cbor()` does may depend on that. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '@flaminia/testkit';

interface Outcomes {
  readonly native: boolean;
  readonly digest: string;
}

function outcomes(accelerationDisabled: string): Outcomes {
  const script = fileURLToPath(new URL('cbor-outcomes.ts', import.meta.url));
  const env = { ...process.env, CBOR_NATIVE_ACCELERATION_DISABLED: accelerationDisabled };
  return JSON.parse(execFileSync(process.execPath, [...FROM_SOURCE, script], { env, encoding: 'utf8' })) as Outcomes;
}

test('[api-19] messages are read alike with and without native acceleration', (t) => {
  const plain = outcomes('true');
  const asInstalled = outcomes('false');
  t.diagnostic(asInstalled.native ? 'native code was used' : 'no native code is installed: both runs were plain');
  assert.equal(plain.native, false);
  assert.equal(asInstalled.digest, plain.digest);
});
