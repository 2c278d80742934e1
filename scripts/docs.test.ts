/** The documents say what the code does: tables against the code, links against the files, recipes by carrying them out. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DomusConfig, DomusError, ERROR_IDS, type ErrorKind } from '@flaminia/domus';
import { memoryImperium } from '@flaminia/domus/testing';
import { loadAuthMaterial } from '@flaminia/transport-a0/internal';
import { filesUnder } from './source/files.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The rows of all tables of a document, as trimmed cells without code quotes. */
function rowsOf(path: string): string[][] {
  const lines = read(path).split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

async function defaults(): Promise<DomusConfig> {
  await using world = memoryImperium();
  return (await world.domus('reader')).config.snapshot();
}

/** A setting as tables write it: thousands in groups, mebibytes as such. */
function written(field: keyof DomusConfig, config: DomusConfig): RegExp {
  const value = config[field];
  if (field === 'blobWindow') return /^(TCP )?64 KiB × 64\b.*128 KiB × 32\b/;
  const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ' ?');
  if (typeof value === 'number' && /Bytes$|Len$/.test(field)) return new RegExp(`^${value / 2 ** 20} MiB\\b`);
  return new RegExp(`^${[value as number | number[]].flat().map(grouped).join(', ')}(?!,| ?\\d)`);
}

test('docs/errors.md has one row for each kind, with its number and whether to retry', () => {
  const rows = rowsOf('docs/errors.md').filter((row) => row.length === 6 && row[0] !== 'kind');
  const unnumbered: ErrorKind[] = ['invalid-state', 'bind-failed', 'unsupported'];
  const expected = [...(Object.keys(ERROR_IDS) as ErrorKind[]), ...unnumbered].map((kind) => {
    const error = new DomusError(kind, 'x');
    return `${kind} ${error.id === 0 ? '–' : error.id} ${error.retryable ? 'yes' : 'no'}`;
  });
  assert.deepEqual(
    rows.map(([kind, id, , , retry]) => `${kind} ${id} ${retry}`),
    expected,
  );
});

test('[cfg-1] docs/configuration.md and the contract give every setting its default', async () => {
  const config = await defaults();
  for (const path of ['docs/configuration.md', 'docs/protocol/config.md']) {
    const rows = rowsOf(path);
    for (const field of Object.keys(config) as (keyof DomusConfig)[]) {
      const row = rows.find(([name = '']) => name.split(/[ ,{]+/).includes(field));
      assert.ok(row !== undefined, `${path} does not name ${field}`);
      assert.match(row[1] ?? '', written(field, config), `${path}: ${field}`);
    }
  }
});

test('docs/timers.md gives every timer that is a setting its default', async () => {
  const config = await defaults();
  const rows = rowsOf('docs/timers.md');
  const timers = (Object.keys(config) as (keyof DomusConfig)[]).filter((field) =>
    /Timeout$|Interval$|Delay$|Backoff$/.test(field),
  );
  assert.equal(timers.length, 12);
  for (const field of timers) {
    const row = rows.find(([name]) => name === field);
    assert.ok(row !== undefined, `docs/timers.md does not name ${field}`);
    assert.match(row[1] ?? '', written(field, config), field);
  }
});

test('[api-55] [api-57] [api-61] docs/reporting.md names every counter of a snapshot, and every event with its fields', async () => {
  await using world = memoryImperium();
  const snapshot = (await world.domus('reader')).reporting.snapshot();
  const rows = rowsOf('docs/reporting.md');
  // `a2`, `a3`: `.messagesOut` names a part of two groups.
  const named = rows.map(([names = '']) => names.split(/[ ,:]+/).flatMap((name) => name.split('.')));
  for (const [group, value] of Object.entries(snapshot)) {
    const own = named.filter((names) => names.includes(group)).flat();
    assert.ok(own.length > 0, group);
    const parts = typeof value === 'object' && group !== 'sendLatency' ? Object.keys(value as object) : [];
    for (const part of parts) assert.ok(own.includes(part), `${group}.${part}`);
  }
  const events = read('packages/domus/src/reporting.ts').split('export interface')[0] ?? '';
  for (const [, kind = '', fields = ''] of events.matchAll(/readonly kind: '([a-z-]+)';([^}]*)/g)) {
    const row = rows.find(([kinds = '', , when]) => when !== undefined && kinds.split(', ').includes(kind));
    assert.ok(row !== undefined, kind);
    const told = [...fields.matchAll(/readonly (\w+):/g)]
      .map(([, field = '']) => field)
      .filter((field) => field !== 'at');
    assert.deepEqual(row[1]?.split(', ').filter(Boolean), told, kind);
  }
});

test('the versions of decision 2 are those of the manifests', () => {
  const manifests = ['package.json', ...filesUnder(root, 'packages', '/package.json')];
  const versions = new Map<string, string>();
  for (const path of manifests) {
    const { dependencies, devDependencies } = JSON.parse(read(path)) as Record<string, Record<string, string>>;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) versions.set(name, version);
  }
  const rows = rowsOf('docs/decisions/0002-dependencies-and-tools.md').filter(
    ([name]) => name !== 'package' && name !== 'tool',
  );
  const told = new Map(
    rows.flatMap(([names = '', numbers = '']) => {
      const all = numbers.split(', ');
      return names.split(', ').map((name, index) => [name, all[index] ?? ''] as const);
    }),
  );
  for (const [name, version] of versions) {
    if (!name.startsWith('@flaminia/')) assert.equal(told.get(name), version, name);
  }
  assert.ok(read('scripts/run.mjs').includes(`pnpm@${told.get('pnpm')}`));
});

test('docs/attacks.md names tests that exist, and each row has one or says why not', () => {
  for (const [threat = '', , shown = ''] of rowsOf('docs/attacks.md')) {
    if (shown === 'shown by') continue;
    let [owner, folder, text] = ['', '', ''];
    for (const [, file, quote] of shown.matchAll(/([\w./-]+\.ts)\b|"([^"]+)"/g)) {
      if (file !== undefined) {
        const parts = file.split('/');
        if (parts.length > 2) owner = parts.shift()!;
        if (parts.length > 1) folder = parts.slice(0, -1).join('/');
        text = read(`packages/${owner}/${folder}/${parts.at(-1)}`);
      }
      for (const part of quote?.split('…') ?? []) assert.ok(text.includes(part.trim()), `${threat}: "${quote}"`);
    }
    assert.ok(text !== '' || shown.length > 40, threat);
  }
});

test('every link from one document to a file leads somewhere', () => {
  const papers = readdirSync(root).filter((name) => name.endsWith('.md'));
  const documents = [...papers, ...filesUnder(root, 'docs', '.md')];
  const broken = documents.flatMap((path) => {
    const targets = [...read(path).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    const local = targets.filter((target) => !/^[a-z]+:/.test(target));
    return local
      .filter((target) => !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path}: ${target}`);
  });
  assert.deepEqual(broken, []);
});

test('every sample of the documents shows its imports, and holds under a strict type check', () => {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'samples-'));
  try {
    const samples = ['README.md', ...filesUnder(root, 'docs', '.md')].flatMap((path) =>
      [...read(path).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = ''], index) => {
        const [, name = `sample-${index}.ts`] = /^\/\/ ([a-z-]+\.ts)/.exec(text) ?? [];
        return { page: path.replaceAll('/', '-'), name, text };
      }),
    );
    for (const { page, name, text } of samples) {
      mkdirSync(join(folder, page), { recursive: true });
      writeFileSync(join(folder, page, name), text);
      // A page may use what another one defines.
      for (const [, wanted] of text.matchAll(/from '\.\/([a-z-]+\.ts)'/g)) {
        const theirs = samples.filter((sample) => sample.name === wanted);
        const found = theirs.find((sample) => sample.page === page) ?? theirs[0];
        if (found !== undefined) writeFileSync(join(folder, page, found.name), found.text);
      }
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.tests.json',
        compilerOptions: { incremental: false },
        include: ['**/*.ts'],
      }),
    );
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const openssl = spawnSync('openssl', ['version']).status === 0;
test('the recipe of docs/certificates.md makes material that a domus takes', { skip: !openssl }, () => {
  const [, recipe = ''] = /```sh\n([\s\S]*?)```/.exec(read('docs/certificates.md')) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'flaminia-recipe-'));
  try {
    execFileSync('sh', ['-e', '-c', recipe], { cwd: folder, stdio: 'pipe' });
    const part = (name: string): string => readFileSync(join(folder, name), 'utf8');
    const material = loadAuthMaterial({ ca: part('ca.pem'), cert: part('worker.pem'), key: part('worker.key') }, 'tcp');
    assert.equal(material.address, 'tcp://127.0.0.1:7000');
    assert.ok(material.chain[0].verify(material.ca[0]!.publicKey));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
