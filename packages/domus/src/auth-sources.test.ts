import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { DomusError } from '@flaminia/transport-a0';
import { type AuthSource, authFromEnv, authFromFiles } from './auth-sources.ts';

const pem = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const ca = pem('CERTIFICATE', 'Y2E=');
const cert = pem('CERTIFICATE', 'bGVhZg==');
const key = pem('PRIVATE KEY', 'c2VjcmV0');

function folder(t: TestContext): { path: (name: string) => string; write: (name: string, content: string) => string } {
  const root = mkdtempSync(join(tmpdir(), 'flaminia-auth-'));
  t.after(() => rmSync(root, { recursive: true }));
  const path = (name: string) => join(root, name);
  const write = (name: string, content: string) => {
    writeFileSync(path(name), content);
    return path(name);
  };
  return { path, write };
}

/** The error of a source that must fail; nothing that inspecting it shows may hold key or certificate. */
async function failure(source: () => Promise<unknown>): Promise<DomusError> {
  try {
    await source();
  } catch (error) {
    assert.ok(error instanceof DomusError);
    assert.equal(error.kind, 'invalid-config');
    for (const secret of ['Y2E=', 'bGVhZg', 'c2VjcmV0']) assert.ok(!inspect(error).includes(secret), inspect(error));
    return error;
  }
  assert.fail('did not fail');
}

const text = (part: unknown) => Buffer.from(part as Uint8Array).toString();

test('[api-7] [case-9] authFromFiles reads the three parts, and reads them again when asked again', async (t) => {
  const { write } = folder(t);
  const source = authFromFiles({ ca: write('ca.pem', ca), cert: write('cert.pem', cert), key: write('key.pem', key) });
  const first = await source();
  assert.deepEqual((first.ca as Uint8Array[]).map(text), [ca]);
  assert.deepEqual((first.cert as Uint8Array[]).map(text), [cert]);
  assert.equal(text(first.key), key);
  write('key.pem', pem('PRIVATE KEY', 'bmV3'));
  assert.equal(text((await source()).key), pem('PRIVATE KEY', 'bmV3'));
});

test('[api-7] authFromFiles takes several files for authorities and chain, in their order', async (t) => {
  const { write } = folder(t);
  const source = authFromFiles({
    ca: [write('a', ca), write('b', cert)],
    cert: [write('leaf', cert), write('inner', ca)],
    key: write('key', key),
  });
  const material = await source();
  assert.deepEqual((material.ca as Uint8Array[]).map(text), [ca, cert]);
  assert.deepEqual((material.cert as Uint8Array[]).map(text), [cert, ca]);
});

test('[api-7] a file that cannot be read is invalid-config, naming it and the reason', async (t) => {
  const { path, write } = folder(t);
  const error = await failure(
    authFromFiles({ ca: write('ca.pem', ca), cert: path('absent.pem'), key: write('k', key) }),
  );
  assert.equal(error.detail, 'ENOENT');
  assert.ok(error.message.includes(`cannot read ${path('absent.pem')}: ENOENT`));
});

test('[api-7] authFromFiles refuses what is not a path, at once', () => {
  const path = '/nowhere/at.all';
  for (const bad of ['', [], [''], undefined, 5, cert, [cert]]) {
    assert.throws(() => authFromFiles({ ca: path, cert: bad as string, key: path }), {
      code: 'invalid-config',
      message: 'invalid-config: cert must be the path of a file, or paths',
    });
  }
  assert.throws(() => authFromFiles({ ca: path, cert: path, key }), /key must be the path of a file/);
});

test('[api-7] [case-9] authFromEnv takes PEM text or the path of a file, for each part', async (t) => {
  const { write } = folder(t);
  const env = {
    FLAMINIA_CA: ca.replaceAll('\n', '\\n'),
    FLAMINIA_CERT: cert,
    FLAMINIA_KEY_FILE: write('key.pem', key),
    FLAMINIA_KEY: '',
  };
  const material = await authFromEnv({ env })();
  assert.equal(material.ca, ca);
  assert.equal(material.cert, cert);
  assert.equal(text(material.key), key);
});

test('[api-7] authFromEnv takes another prefix, and process.env by default', async (t) => {
  const env = { ORDERS_CA: ca, ORDERS_CERT: cert, ORDERS_KEY: key };
  assert.equal((await authFromEnv({ env, prefix: 'ORDERS' })()).key, key);
  const name = 'FLAMINIA_TEST_KEY';
  t.after(() => delete process.env[name]);
  const source = authFromEnv({ prefix: 'FLAMINIA_TEST' });
  Object.assign(process.env, { FLAMINIA_TEST_CA: ca, FLAMINIA_TEST_CERT: cert, [name]: key });
  t.after(() => {
    delete process.env.FLAMINIA_TEST_CA;
    delete process.env.FLAMINIA_TEST_CERT;
  });
  assert.equal((await source()).key, key);
});

test('[api-7] [api-58] [case-9] authFromEnv names the variable that is missing, doubled or wrong, never its content', async (t) => {
  const { path } = folder(t);
  const good = { FLAMINIA_CA: ca, FLAMINIA_CERT: cert, FLAMINIA_KEY: key };
  const cases: [Record<string, string | undefined>, RegExp][] = [
    [{ FLAMINIA_KEY: undefined }, /FLAMINIA_KEY or FLAMINIA_KEY_FILE must be set/],
    [{ FLAMINIA_KEY_FILE: '/x' }, /only one of FLAMINIA_KEY and FLAMINIA_KEY_FILE may be set/],
    [{ FLAMINIA_KEY: 'c2VjcmV0' }, /FLAMINIA_KEY must hold PEM text; a path belongs in FLAMINIA_KEY_FILE/],
    [{ FLAMINIA_KEY: undefined, FLAMINIA_KEY_FILE: key }, /FLAMINIA_KEY_FILE must hold the path of a file/],
    [{ FLAMINIA_CERT: undefined, FLAMINIA_CERT_FILE: path('absent') }, /cannot read .*absent: ENOENT/],
  ];
  for (const [change, message] of cases) {
    const error = await failure(authFromEnv({ env: { ...good, ...change } }));
    assert.match(error.message, message);
  }
});

test('[api-8] authFromFiles can be watched where that was asked for, and says what watch must be', () => {
  const files = { ca: 'a', cert: 'b', key: 'c' };
  assert.equal(authFromFiles(files).watch, undefined);
  assert.equal(authFromFiles({ ...files, watch: false }).watch, undefined);
  assert.equal(typeof authFromFiles({ ...files, watch: true }).watch, 'function');
  assert.throws(() => authFromFiles({ ...files, watch: 'yes' as unknown as boolean }), { detail: 'watch' });
});

test('[api-7] types: both are auth sources', () => {
  const sources: AuthSource[] = [authFromEnv(), authFromFiles({ ca: 'a', cert: 'b', key: 'c' }), { ca, cert, key }];
  assert.equal(sources.length, 3);
});
