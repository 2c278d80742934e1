/** `openssl verify` as a second opinion on chains. Where the program is absent, the tests that need it say so. */
import { spawnSync } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** For the `skip` option of a test: false where the program is there, the reason otherwise. */
export const OPENSSL_MISSING: false | string =
  spawnSync('openssl', ['version']).status === 0 ? false : 'the openssl program is not installed';

/** What is to be judged, as the chain validator is asked. */
export interface OpensslQuestion {
  readonly chain: readonly X509Certificate[];
  readonly ca: readonly X509Certificate[];
  readonly nowMs: number;
}

/** Undefined where both purposes, TLS client and TLS server, are granted; else what OpenSSL says. */
export function opensslRefusal({ chain, ca, nowMs }: OpensslQuestion): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'a0-openssl-'));
  try {
    const [leaf, ...rest] = chain.map((certificate) => certificate.toString());
    const write = (name: string, pems: readonly (string | undefined)[]): string => {
      writeFileSync(join(folder, name), pems.join(''));
      return join(folder, name);
    };
    const anchors = ['-no-CApath', '-no-CAstore', '-CAfile', write('ca.pem', ca.map(String))];
    const presented = rest.length === 0 ? [] : ['-untrusted', write('rest.pem', rest)];
    const moment = ['-attime', String(Math.floor(nowMs / 1000))];
    const file = write('leaf.pem', [leaf]);
    for (const purpose of ['sslclient', 'sslserver']) {
      const run = spawnSync('openssl', ['verify', ...anchors, ...presented, ...moment, '-purpose', purpose, file], {
        encoding: 'utf8',
      });
      if (run.status !== 0) return `${run.stdout}${run.stderr}`.trim();
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
