/**
 * Fails on a breach of the structure that ARCHITECTURE.md describes: an upward or sideways import, an import cycle, an impure `core/`, a file or
 * class that is too long or named for nothing, a dependency that nobody uses. The rules stand in `scripts/structure/`.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesUnder } from './source/files.ts';
import { checkCycles } from './structure/cycles.ts';
import { checkLayers, type Doors } from './structure/layers.ts';
import { checkManifest, type Manifest } from './structure/manifests.ts';
import { checkPurity } from './structure/purity.ts';
import { checkQuiet } from './structure/quiet.ts';
import { checkShape } from './structure/shape.ts';
import { sourceFile } from './structure/source-file.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const folders = ['packages', 'demo', 'examples', 'bench', 'interop', 'conformance', 'scripts'];
const files = folders.flatMap((folder) => filesUnder(root, folder, '.ts')).map((path) => sourceFile(path, read(path)));
const manifests = ['package.json', ...filesUnder(root, 'packages', '/package.json')].map(manifest);
const doors: Doors = new Map(
  manifests.map((read) => [read.package ?? '', new Set(Object.keys(read.exports ?? {}))] as const),
);

const findings = [
  ...files.flatMap((file) => [
    ...checkLayers(file, doors),
    ...checkPurity(file),
    ...checkQuiet(file),
    ...checkShape(file),
  ]),
  ...checkCycles(files),
  ...manifests.flatMap((manifest) => checkManifest(manifest, files)),
];

for (const { path, line, text } of findings) process.stdout.write(`${path}:${line}: ${text}\n`);
process.stdout.write(`structure: ${files.length} files, ${manifests.length} manifests, ${findings.length} faults\n`);
if (findings.length > 0) process.exitCode = 1;

function manifest(path: string): Manifest {
  const [, name] = /^packages\/([^/]+)\//.exec(path) ?? [];
  return { ...(JSON.parse(read(path)) as Manifest), path, package: name };
}
