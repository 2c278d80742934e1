/** The doors of every package work as a consumer finds them: compiled, without the condition that development sets. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { filesUnder } from './source/files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = readdirSync(join(root, 'packages'));

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

for (const folder of packages) {
  const { name, exports } = JSON.parse(
    readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'),
  ) as Manifest;
  for (const [door, { types }] of Object.entries(exports)) {
    const specifier = name + door.slice(1);
    test(`${specifier} leads to compiled code with types`, () => {
      const code = `const url = import.meta.resolve('${specifier}'); await import(url); console.log(url);`;
      // A bare process: neither the loader nor the condition of this one.
      const env = { ...process.env, NODE_OPTIONS: '' };
      const found = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: root,
        env,
        encoding: 'utf8',
      });
      assert.match(found, new RegExp(`/packages/${folder}/dist/`));
      assert.ok(existsSync(join(root, 'packages', folder, types)), `${types} is missing`);
    });
  }
}

test('classes have their own names in stack traces', () => {
  const code =
    "import { Domus } from '@flaminia/domus'; import { Imperium } from '@flaminia/domus/services';" +
    'console.log([Domus, Imperium].map(({ name }) => name).join());';
  const found = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  });
  assert.equal(found.trim(), 'Domus,Imperium');
});

test('the types that users see say nothing of the machinery', () => {
  const shown = packages.flatMap((folder) => filesUnder(root, `packages/${folder}/dist`, '.d.ts'));
  assert.ok(shown.length > 100);
  assert.deepEqual(
    shown.filter((path) => readFileSync(join(root, path), 'utf8').includes('@internal')),
    [],
  );
});

test('the types of all doors for users hold where a program has libraries checked too', () => {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'doors-'));
  try {
    const doors = ['domus', 'domus/services', 'domus/testing', 'certificates'];
    writeFileSync(
      join(folder, 'program.ts'),
      `${doors.map((door, index) => `export * as door${index} from '@flaminia/${door}';\n`).join('')}
      import type { Imperium } from '@flaminia/domus/services';
      type Machinery = keyof Imperium['domus'] & 'delivery' | keyof Imperium['topology'] & ('leave' | 'setHealth');
      export const hidden: [Machinery] extends [never] ? true : false = true;`,
    );
    for (const module of ['nodenext', 'preserve']) {
      const compilerOptions = {
        module,
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
      const tsc = join(root, 'node_modules/.bin/tsc');
      const { status, stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8' });
      assert.equal(status, 0, stdout);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
