// The door of every npm script. It needs nothing but Node and npm: it installs the workspace when the lock file has
// changed since the last installation (pnpm through npx, never global), then runs the steps of the named task.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pnpm = 'pnpm@10.34.9';
/** Runs TypeScript from `src`: the packages' `@flaminia/source` condition, and tsx as the loader. */
const fromSource = ['--conditions=@flaminia/source', '--import', 'tsx'];
/** Where tests are run: a process that loads TypeScript takes a second more to start. */
const TESTS = '.cache/tests';
/** The demo, and the processes that it starts. */
const DEMO = ['main', 'gateway', 'worker', 'price-client', 'price-worker'].map((name) => `demo/${name}.ts`);
const bin = (name) => join(root, 'node_modules', '.bin', name);

const tasks = {
  start: (args) => [programs('.cache/start', DEMO), node('demo', ['.cache/start/demo/main.js', ...args])],
  build: packages,
  check: () => [
    tsc(),
    bundles(),
    lint(),
    script('scripts/structure.ts'),
    script('scripts/clauses.ts'),
    script('scripts/cases.ts'),
  ],
  test: (args) => [
    ...(args.length === 0 ? tasks.check() : []),
    ...tests(args),
    ...(args.length === 0 ? rustIfPossible() : []),
  ],
  sim: (args) => [script('packages/testkit/src/sim/main.ts', args)],
  'sim-calls': (args) => [script('packages/testkit/src/calls-sim/main.ts', args)],
  fuzz: (args) => [script('packages/testkit/src/fuzz/main.ts', args)],
  mutants: (args) => [script('packages/testkit/src/mutants/main.ts', args)],
  interop: (args) => [script('interop/run.ts', args)],
  conformance: (args) => [script('conformance/run.ts', args)],
  // Measured is what users run: JavaScript of `dist`, in a process without a loader.
  bench: (args) => [
    ...packages(),
    { name: 'build of the bench', command: bin('tsc'), args: ['-b', 'bench'] },
    node('bench', ['bench/dist/main.js', ...args]),
  ],
  format: () => [{ name: 'format', command: bin('biome'), args: ['check', '--write', '.'] }],
};

await main(process.argv[2], process.argv.slice(3));

async function main(name, args) {
  const task = tasks[name];
  if (task === undefined) fail(`unknown task "${name}"; known: ${Object.keys(tasks).join(', ')}`);
  if (task.length === 0 && args.length > 0) fail(`npm run ${name} takes no arguments, got ${args.join(' ')}`);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed`);
  install();
  for (const step of task(args)) {
    const started = performance.now();
    const code = await run(step);
    if (name === 'test' || name === 'check') {
      process.stdout.write(
        `${code === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
      );
    }
    if (code !== 0) process.exit(code);
  }
}

function script(file, args = []) {
  return node(file, [...fromSource, file, ...args]);
}

function node(name, args) {
  return { name, command: process.execPath, args };
}

/** Writes programs as JavaScript, in folders like those of their sources. */
function programs(folder, files) {
  return script('scripts/bundle-programs.ts', [folder, ...files]);
}

function tsc() {
  return { name: 'type check', command: bin('tsc'), args: ['-b'] };
}

/** Builds `dist` of every package, without judging tests. */
function packages() {
  const projects = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  return [{ name: 'types', command: bin('tsc'), args: ['-b', ...projects] }, bundles()];
}

/** The JavaScript of `dist`; its types are those of `tsc`. */
function bundles() {
  return script('scripts/bundle.ts');
}

function lint() {
  return { name: 'lint', command: bin('biome'), args: ['ci', '--error-on-warnings', '--colors=off', '.'] };
}

/** Test files are listed here, not globbed by node: a quoted glob finds nothing on Node 20, and a run of no test looks green. */
function tests(patterns) {
  const found = ['packages', 'demo', 'examples', 'scripts', 'bench', 'conformance'].flatMap((folder) =>
    testFiles(join(root, folder)),
  );
  const files = found
    .map((file) => relative(root, file))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)));
  if (files.length === 0) fail(`no path of a test file holds ${patterns.join(' or ')}\nnpm test -- [WORD...]`);
  // Node leaves one core to itself: of two that is half, and many tests wait for sockets and processes.
  const atOnce = availableParallelism() + 1;
  const flags = [
    '--conditions=@flaminia/source',
    '--test',
    `--test-concurrency=${atOnce}`,
    '--test-timeout=300000',
    '--test-reporter',
    join(root, 'scripts/reporter.mjs'),
  ];
  const bundled = files.map((file) => join(TESTS, file.replace(/\.ts$/, '.js')));
  return [
    { ...programs(TESTS, [...files, ...DEMO]), name: 'tests as JavaScript' },
    node(`${files.length} test files`, [...flags, ...bundled]),
  ];
}

function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

function rustIfPossible() {
  const cargo = spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0;
  if (cargo) {
    return [
      { ...script('interop/run.ts'), name: 'interoperation with the Rust crate' },
      { ...script('conformance/run.ts', ['rust']), name: 'conformance of the Rust crate' },
    ];
  }
  const text =
    'SKIPPED: interoperation with the Rust crate and its conformance, since cargo is not installed (npm run interop needs it)';
  return [node(text, ['-e', ''])];
}

function install() {
  const stamp = join(root, 'node_modules', '.installed');
  const inputs = [
    'pnpm-lock.yaml',
    'package.json',
    ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/package.json`),
  ];
  const hash = createHash('sha256');
  for (const file of inputs) if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)));
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stdout.write('installing dependencies (once) ...\n');
  const frozen = existsSync(join(root, 'pnpm-lock.yaml')) ? ['--frozen-lockfile'] : [];
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const result = spawnSync(npx, ['-y', pnpm, 'install', ...frozen, '--reporter=append-only', '--loglevel=warn'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CI: 'true' },
  });
  if (result.status !== 0) fail('the installation failed; see the lines above');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Runs one step in the foreground. Ctrl-C reaches the child by its terminal group; this process only waits for its end. */
function run(step) {
  return new Promise((resolve) => {
    const child = spawn(step.command, step.args, { cwd: root, stdio: 'inherit' });
    const ignore = () => {};
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore);
    process.on('SIGTERM', forward);
    child.on('error', (error) => {
      process.stderr.write(`${step.name}: ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
