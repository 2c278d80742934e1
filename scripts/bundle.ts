/**
 * Writes the JavaScript of every package's `dist`: one file for each door and one for what doors share. Node takes a millisecond
 * for each module that it loads, and keeps the text of each, comments included. Types come from `tsc -b`, which has judged all.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  for (const path of javaScriptIn(dist)) rmSync(path);
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
  for (const path of javaScriptIn(dist)) if (path.endsWith('.js')) giveBackNames(path);
}

/** Also what the last build has shared under other names. */
function javaScriptIn(dist: string): string[] {
  const paths = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => /\.js(?:\.map)?$/.test(path)).map((path) => join(dist, path));
}

/**
 * A class that speaks of itself is written as `var Domus = class _Domus`, and stack traces would show that. A space in the place of
 * the `_` leaves every other column where the source map says.
 */
function giveBackNames(path: string): void {
  const text = readFileSync(path, 'utf8');
  const names = [...text.matchAll(/^var (\w+) = class _\1 /gm)].map(([, name]) => name);
  if (names.length === 0) return;
  writeFileSync(path, text.replace(new RegExp(`\\b_(${names.join('|')})\\b`, 'g'), ' $1'));
}
