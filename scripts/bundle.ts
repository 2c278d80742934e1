/**
 * Writes the JavaScript of every package's `dist`: one file for each door and one for what doors share. Node takes a millisecond
 * for each module that it loads, and keeps the text of each, comments included. Types come from `tsc -b`, which has judged all.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly '@flaminia/source': string }>>;
}

const packages = fileURLToPath(new URL('../packages', import.meta.url));
await Promise.all(readdirSync(packages).map((name) => bundle(join(packages, name))));

async function bundle(folder: string): Promise<void> {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const dist = join(folder, 'dist');
  removeJavaScript(dist);
  await build({
    entryPoints: Object.values(exports).map((door) => join(folder, door['@flaminia/source'])),
    outdir: dist,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: true,
    // The sources are published beside it.
    sourcesContent: false,
    chunkNames: 'shared-[hash]',
    logLevel: 'warning',
  });
}

/** Files that the last build has shared under other names. */
function removeJavaScript(dist: string): void {
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (/\.js(?:\.map)?$/.test(path)) rmSync(join(dist, path));
  }
}
