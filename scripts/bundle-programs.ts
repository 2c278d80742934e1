/**
 * Writes the programs that are named to it, and all that they import of this repository, as plain JavaScript: tests, the demo.
 * A process that has to load TypeScript takes a second of work to start, and there are hundreds of them.
 *
 * A program finds the files beside its source: `import.meta.url` stays the address of the source.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCE_URL = '__sourceUrl';

/** Gives each module its own address, on its first line, so that the lines of the map stay. */
const sourceAddresses: Plugin = {
  name: 'source-addresses',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta')) return undefined;
      return { contents: `const ${SOURCE_URL} = ${JSON.stringify(pathToFileURL(path).href)}; ${text}`, loader: 'ts' };
    });
  },
};

/** What was installed stays where it is: found from the module that imports it, as Node would. */
const installed: Plugin = {
  name: 'installed',
  setup: ({ onResolve, resolve }) => {
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === installed || path.startsWith('node:') || from.kind === 'entry-point') return undefined;
      const found = await resolve(path, { ...from, pluginData: installed });
      const isOurs = found.errors.length > 0 || !found.path.includes('/node_modules/');
      return isOurs ? found : { path: pathToFileURL(found.path).href, external: true };
    });
  },
};

const [folder, ...programs] = process.argv.slice(2);
const outdir = join(root, folder!);
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: programs,
  outbase: root,
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  conditions: ['@flaminia/source'],
  define: { 'import.meta.url': SOURCE_URL },
  plugins: [sourceAddresses, installed],
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  write: false,
});
await Promise.all(outputFiles.map(({ path, contents }) => replace(path, contents)));
const outputs = new Set(outputFiles.map(({ path }) => path));
for (const name of await readdir(outdir)) {
  const path = join(outdir, name);
  if (/\.js(?:\.map)?$/.test(name) && !outputs.has(path)) await rm(path);
}

/** At once, since programs of the same folder may be running. */
async function replace(path: string, contents: Uint8Array): Promise<void> {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(contents) === true) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, contents);
  await rename(`${path}.${process.pid}`, path);
}
