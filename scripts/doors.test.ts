/** The doors of every package work as a consumer finds them: compiled, without the condition that development sets. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

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
