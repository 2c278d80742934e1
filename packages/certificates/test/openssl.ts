/** The `openssl` program as a second opinion on certificates. Where it is absent, tests that need it say so and are skipped. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = spawnSync('openssl', ['version'], { encoding: 'utf8' });

/** For the `skip` option of a test: false where the program is there, the reason otherwise. */
export const opensslMissing: false | string = version.status === 0 ? false : 'the openssl program is not installed';

/** What `openssl x509 -text` says of a certificate. */
export function describeCertificate(pem: string): string {
  const { status, stdout, stderr } = spawnSync('openssl', ['x509', '-noout', '-text'], {
    input: pem,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`openssl x509: ${stderr}`);
  return stdout;
}

/**
 * The verdict of `openssl verify`, strict, for the first certificate of `chain`: 0, or the number of its error, which
 * stays the same where the texts change between versions.
 */
export function verifyChain(ca: string, chain: string, purpose: 'sslclient' | 'sslserver'): number {
  const folder = mkdtempSync(join(tmpdir(), 'flaminia-openssl-'));
  try {
    for (const [name, text] of Object.entries({ ca, chain })) writeFileSync(join(folder, name), text);
    const files = ['-CAfile', join(folder, 'ca'), '-untrusted', join(folder, 'chain'), join(folder, 'chain')];
    const run = spawnSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...files], { encoding: 'utf8' });
    if (run.status === 0) return 0;
    const error = /^error (\d+) at /m.exec(run.stderr)?.[1];
    if (error === undefined) throw new Error(`openssl verify: ${run.stderr}`);
    return Number(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
