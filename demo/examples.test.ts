/**
 * Every example runs as it stands in the documents, but for its ports: it is run from a copy in which they are free
 * ones. Certificates for development come from a state directory of this test.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { authFromEnv, Domus, tcpAddress } from '@flaminia/domus';
import type { Imperium } from '@flaminia/domus/services';
import { register } from 'tsx/esm/api';
import { freePort } from '../interop/free-port.ts';

// The copies are loaded as they stand.
register();
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
/** Inside the repository, where the packages are found. */
const scratch = mkdtempSync(join(cache, 'examples-'));
process.env.XDG_STATE_HOME = join(scratch, 'state');
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A copy of an example with free ports: how to import its files, and what its ports have become. */
async function copyOf(name: string): Promise<{ folder: string; run(file: string): Promise<unknown> }> {
  const folder = join(scratch, name);
  cpSync(join(root, 'examples', name), folder, { recursive: true });
  const ports = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, port = ''] of text.matchAll(/127\.0\.0\.1:(\d+)/g)) {
      if (!ports.has(port)) ports.set(port, await freePort());
    }
    const replaced = text.replace(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${ports.get(port)}`);
    writeFileSync(join(folder, file), replaced);
  }
  return { folder, run: (file) => import(pathToFileURL(join(folder, file)).href) };
}

/** The TypeScript of a document. */
function blocksOf(document: string): string[] {
  return [...read(document).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text);
}

/** Where the code of README.md stands, in the order of the document. */
const README_FILES = [
  ...['prices.ts', 'provider.ts', 'caller.ts'].map((name) => `services-quickstart/${name}`),
  ...['contract.ts', 'worker.ts', 'gateway.ts'].map((name) => `quickstart/${name}`),
  ...['files.ts', 'receive.ts', 'send.ts'].map((name) => `streaming/${name}`),
];

test('the code of README.md is that of the quick starts, and of the streaming example', () => {
  assert.deepEqual(
    blocksOf('README.md'),
    README_FILES.map((path) => read(`examples/${path}`)),
  );
});

test('[api-1] [api-51] the quick start: a gateway’s order reaches the worker', async (t) => {
  const lines = t.mock.method(console, 'log', () => {}).mock;
  const { run } = await copyOf('quickstart');
  const { worker } = (await run('worker.ts')) as { worker: Domus };
  await run('gateway.ts');
  await worker.shutdown();
  assert.deepEqual(
    lines.calls.map((call) => call.arguments),
    [['order 1: walnut desk, from gateway-1']],
  );
});

test('[case-60] the quick start of services: a gateway finds who offers prices, and asks', async (t) => {
  const lines = t.mock.method(console, 'log', () => {}).mock;
  const { run } = await copyOf('services-quickstart');
  const { provider } = (await run('provider.ts')) as { provider: Imperium };
  await run('caller.ts');
  await provider.leave({ drainTimeout: 0 });
  assert.deepEqual(
    lines.calls.flatMap((call) => call.arguments),
    ['1100 cents'],
  );
});

test('[api-32] [api-33] [api-37] the example that reads by hand', async (t) => {
  const lines = t.mock.method(console, 'log', () => {}).mock;
  await (await copyOf('reading-by-hand')).run('main.ts');
  assert.deepEqual(
    lines.calls.flatMap((call) => call.arguments),
    [
      'accepted: paint, from gateway-1',
      'accepted: polish, from gateway-1',
      'rejected: explode',
      'the sender knows: accepted',
      'the sender knows: accepted',
      'the sender knows: remote-taberna-rejected',
    ],
  );
});

test('[api-15] the example with a codec of its own', async (t) => {
  const lines = t.mock.method(console, 'log', () => {}).mock;
  await (await copyOf('custom-codec')).run('main.ts');
  assert.deepEqual(
    lines.calls.flatMap((call) => call.arguments),
    ['sensor 7: 21.5 °C', 'decode-failure, refused'],
  );
});

test('[api-7] [api-53] the example that issues its own certificates, and opens with them from files and environment', async (t) => {
  const { folder, run } = await copyOf('own-certificates');
  const home = process.cwd();
  process.chdir(folder);
  t.after(() => process.chdir(home));
  await run('issue.ts');
  assert.equal(statSync('worker.key').mode & 0o777, 0o600);
  const { worker } = (await run('worker.ts')) as { worker: Domus };
  await worker.shutdown();
  const files = { FLAMINIA_CA_FILE: 'ca.pem', FLAMINIA_CERT_FILE: 'worker.pem', FLAMINIA_KEY_FILE: 'worker.key' };
  const again = await Domus.open({ address: worker.address, auth: authFromEnv({ env: files }) });
  await again.shutdown();
  const elsewhere = tcpAddress('127.0.0.1', await freePort());
  await assert.rejects(Domus.open({ address: elsewhere, auth: authFromEnv({ env: files }) }), {
    kind: 'address-mismatch',
  });
});

test('the code of docs/certificates.md is that of the example', () => {
  const shown = blocksOf('docs/certificates.md');
  assert.ok(shown.includes(read('examples/own-certificates/issue.ts')));
  assert.ok(shown.includes(read('examples/own-certificates/worker.ts').replaceAll('7030', '7000')));
});

test('the code of docs/reporting.md is that of the example', () => {
  assertShown('docs/reporting.md', 'examples/watching');
});

test('the code of docs/stream-files.md is that of the example', () => {
  assertShown('docs/stream-files.md', 'examples/streaming');
});

test('the code of docs/tune-windows.md is that of the example', () => {
  assertShown('docs/tune-windows.md', 'examples/tuning');
});

/** Examples whose files stand in the pages about services, and nowhere else; their own tests run them. */
const SERVICE_FOLDERS = ['services-quickstart', 'services', 'authorization', 'discovery', 'health', 'testing-services'];

test('the code of the pages about services is that of the examples, and all of it', () => {
  const pages = readdirSync(join(root, 'docs')).filter((name) =>
    /^(services|discovery|health|authorization|testing-services).*\.md$/.test(name),
  );
  const shown = pages.flatMap((page) => blocksOf(`docs/${page}`));
  const files = SERVICE_FOLDERS.flatMap((folder) => {
    const isHidden = (name: string): boolean => folder !== 'testing-services' && name.endsWith('.test.ts');
    return readdirSync(join(root, 'examples', folder))
      .filter((name) => !isHidden(name))
      .map((name) => read(`examples/${folder}/${name}`));
  });
  assert.deepEqual([...shown].sort(), files.sort());
});

/** Every file of an example but its test stands in a document as it is. */
function assertShown(document: string, folder: string): void {
  const shown = blocksOf(document);
  const files = readdirSync(join(root, folder)).filter((name) => !name.endsWith('.test.ts'));
  for (const name of files) assert.ok(shown.includes(read(`${folder}/${name}`)), name);
}

// Their own tests run beside these.
await import('../examples/streaming/streaming.test.ts');
await import('../examples/testing/shop.test.ts');
await import('../examples/tuning/tuning.test.ts');
await import('../examples/watching/watching.test.ts');
