import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DomusAddr } from '@flaminia/transport-a0';
import { scratchFolder } from '../test/scratch.ts';
import { devAuth } from './dev-auth.ts';

/** Sets variables of the environment for one test. */
function environment(t: TestContext, values: Readonly<Record<string, string | undefined>>): void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  const assign = (all: typeof values): void => {
    for (const [name, value] of Object.entries(all)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  assign(values);
  t.after(() => assign(before));
}

test('[api-51] two domus of one directory trust one authority, on the loopback and on Unix sockets', async (t) => {
  const directory = scratchFolder(t);
  const one = await devAuth({ nodeId: 'worker-1', nodeType: 'worker', directory })('tcp://127.0.0.1:7000');
  const two = await devAuth({ nodeId: 'gateway-1', directory })('unix:///run/gateway');
  const six = await devAuth({ nodeId: 'gateway-1', directory })('tcp://[::1]:7000');
  assert.equal(one.ca, two.ca);
  assert.equal(one.ca, six.ca);
  const subject = (pem: string): object => ({ ...new X509Certificate(pem).toLegacyObject().subject });
  assert.deepEqual(subject(one.cert), { CN: 'worker-1', OU: 'worker' });
  assert.deepEqual(subject(two.cert), { CN: 'gateway-1', OU: 'dev' });
  assert.deepEqual(await readdir(directory), ['development'], 'the directory of the user is used for one folder only');
});

test('[api-51] the store is in the state directory of the user: XDG_STATE_HOME, or .local/state', async (t) => {
  const home = scratchFolder(t);
  const address = 'tcp://127.0.0.1:7000';
  environment(t, { XDG_STATE_HOME: join(home, 'state'), HOME: home });
  const given = await devAuth({ nodeId: 'a' })(address);
  assert.deepEqual(await readdir(join(home, 'state', 'flaminia')), ['development']);
  assert.equal((await devAuth({ nodeId: 'a', directory: join(home, 'state', 'flaminia') })(address)).ca, given.ca);

  environment(t, { XDG_STATE_HOME: 'relative' });
  await devAuth({ nodeId: 'a' })(address);
  assert.deepEqual(await readdir(join(home, '.local', 'state', 'flaminia')), ['development']);
});

test('[api-52] it refuses to work under NODE_ENV=production, at once', (t) => {
  environment(t, { NODE_ENV: 'production' });
  assert.throws(() => devAuth({ nodeId: 'a', directory: '/nowhere' }), { kind: 'invalid-config', detail: 'NODE_ENV' });
});

test('[api-52] it serves loopback addresses only, and touches no file for others', async (t) => {
  const directory = scratchFolder(t);
  const auth = devAuth({ nodeId: 'a', directory });
  const refused: DomusAddr[] = [
    'tcp://10.0.0.1:7000',
    'tcp://128.0.0.1:7000',
    'tcp://126.255.255.255:7000',
    'tcp://[2001:db8::1]:7000',
    'tcp://[::2]:7000',
    'tcp://127.0.0.1:0',
    'tcp://0.0.0.0:7000',
  ];
  for (const address of refused) await assert.rejects(auth(address), { kind: 'invalid-config' }, address);
  assert.deepEqual(await readdir(directory), []);
  await auth('tcp://127.255.0.7:7000');
});

test('node ids and types out of range are refused at once', () => {
  for (const nodeId of ['', '..', 'a/b', 'a\0', 'x'.repeat(65)]) {
    assert.throws(() => devAuth({ nodeId, directory: '/nowhere' }), { kind: 'invalid-config', detail: 'nodeId' });
  }
  assert.throws(() => devAuth({ nodeId: 'a', nodeType: '', directory: '/nowhere' }), { detail: 'nodeType' });
});

test('[case-8] a node id that leads out of the folder is refused, and nothing is written there or anywhere', async (t) => {
  const parent = scratchFolder(t);
  const directory = join(parent, 'store');
  for (const nodeId of ['../x', '..', '../../x', 'a/../../x', '/x', '..\\x'])
    assert.throws(() => devAuth({ nodeId, directory }), { kind: 'invalid-config', detail: 'nodeId' });
  assert.deepEqual(await readdir(parent, { recursive: true }), []);
});

test('a directory that cannot be used is told with its path and the code of the system', async (t) => {
  const directory = join(scratchFolder(t), 'file');
  await writeFile(directory, '');
  await assert.rejects(
    devAuth({ nodeId: 'a', directory })('tcp://127.0.0.1:7000'),
    (error: Error & { detail?: string }) => {
      assert.match(error.message, /file\/development cannot be read or written: ENOTDIR/);
      assert.equal(error.detail, 'directory');
      assert.ok(error.cause instanceof Error);
      return true;
    },
  );
});
