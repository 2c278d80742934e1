/** Dependencies in manifests against what the source imports: none unused, none missing, all versions exact. */
import { isBuiltin } from 'node:module';
import type { Finding, SourceFile } from './source-file.ts';

/** A package.json, as far as these rules read it. */
export interface Manifest {
  readonly path: string;
  /** The folder below `packages/`; undefined for the root. */
  readonly package: string | undefined;
  /** Never published: its tests are part of its purpose, and their imports count. */
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** What users install when they ask for it; the code loads it lazily. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Root dependencies that are run, or read by the compiler, and never imported. */
const TOOLS = /^(?:@biomejs\/biome|tsx|typescript|@types\/.+)$/;
const EXACT = /^(?:workspace:\*|\d+\.\d+\.\d+(?:-[\w.]+)?)$/;

/** All faults of one manifest, held against every file of the repository. */
export function checkManifest(manifest: Manifest, files: readonly SourceFile[]): Finding[] {
  const { dependencies, devDependencies, peerDependencies } = manifest;
  const inexact = Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies })
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => `version of ${name} is not exact: ${version}`);
  const required = Object.keys(peerDependencies ?? {})
    .filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true)
    .map((name) => `peer ${name} is not optional`);
  const faults = manifest.package === undefined ? rootFaults(manifest, files) : packageFaults(manifest, files);
  return [...inexact, ...required, ...faults].map((text) => ({ path: manifest.path, line: 1, text }));
}

function rootFaults(manifest: Manifest, files: readonly SourceFile[]): string[] {
  const imported = importedBy(files.filter((file) => !file.isProduct));
  return Object.entries(manifest.devDependencies ?? {})
    .filter(([name, version]) => version !== 'workspace:*' && !TOOLS.test(name) && !imported.has(name))
    .map(([name]) => `${name} is imported by no test and no tool`);
}

function packageFaults(manifest: Manifest, files: readonly SourceFile[]): string[] {
  const own = files.filter((file) => file.package === manifest.package);
  const product = importedBy(own.filter((file) => file.isProduct));
  const used = manifest.private === true ? importedBy(own) : product;
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
  const unused = [...declared].filter((name) => !used.has(name)).map((name) => `${name} is imported by no file`);
  const missing = [...product]
    .filter((name) => !declared.has(name))
    .map((name) => `${name} is imported, but not declared`);
  return [...unused, ...missing];
}

function importedBy(files: readonly SourceFile[]): Set<string> {
  const specifiers = files.flatMap((file) => file.imports.map((imported) => imported.specifier));
  return new Set(specifiers.filter((name) => !name.startsWith('.') && !isBuiltin(name)).map(packageOf));
}

/** `@a/b/c` -> `@a/b`, `a/b` -> `a`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
