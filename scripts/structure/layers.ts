/**
 * The layer law: who may import whom, through which door. Arrows go down only, domus -> services-a2 -> delivery-a1 ->
 * transport-a0; certificates stands beside transport-a0, inspector and cli above domus. Tests, demo, bench, interop, conformance and scripts may use all
 * packages, but through their doors like everybody else.
 */
import type { Import } from '../source/imports.ts';
import { type Finding, resolveFrom, type SourceFile } from './source-file.ts';

/** The packages that the product code of each package may import. */
const LOWER: Readonly<Record<string, readonly string[]>> = {
  'transport-a0': [],
  'delivery-a1': ['transport-a0'],
  'services-a2': ['delivery-a1', 'transport-a0'],
  domus: ['services-a2', 'delivery-a1', 'transport-a0'],
  certificates: ['transport-a0'],
  inspector: ['domus'],
  cli: ['inspector', 'domus', 'certificates'],
  testkit: ['domus', 'services-a2', 'delivery-a1', 'transport-a0', 'certificates'],
};

/** Foreign packages that one package alone may import, by the beginning of their names. */
const OWNED: readonly { readonly prefix: string; readonly owner: string }[] = [
  { prefix: '@peculiar/', owner: 'certificates' },
  { prefix: 'reflect-metadata', owner: 'certificates' },
  { prefix: 'cbor-x', owner: 'services-a2' },
  { prefix: 'multicast-dns', owner: 'services-a2' },
];

/** The one file that joins the layers. */
const WIRING = 'packages/domus/src/wiring.ts';
/** The one file through which A2 sees A1. */
const PORT = 'packages/services-a2/src/port.ts';

/** The doors that product code of other packages may use. */
const PRODUCT_DOORS: ReadonlySet<string> = new Set(['.', './internal']);

/** What test tools are made of: a door for tests that these packages may use all the same. */
const TOOLS = { packages: ['domus', 'testkit'], specifier: '@flaminia/services-a2/testing' };

/** The doors of each package, as its manifest exports them. */
export type Doors = ReadonlyMap<string, ReadonlySet<string>>;

/** All breaches of the layer law in one file. */
export function checkLayers(file: SourceFile, doors: Doors): Finding[] {
  const texts = file.imports.map((imported) => ({ line: imported.line, text: breach(file, imported, doors) }));
  return [...texts, joining(file)].flatMap(({ line, text }) =>
    text === undefined ? [] : [{ path: file.path, line, text }],
  );
}

function breach(file: SourceFile, imported: Import, doors: Doors): string | undefined {
  const { specifier } = imported;
  if (specifier.startsWith('.')) return relativeBreach(file, specifier);
  const [, name, rest = ''] = /^@flaminia\/([^/]+)(\/.*)?$/.exec(specifier) ?? [];
  if (name === undefined) return foreignBreach(file, specifier);
  if (doors.get(name)?.has(`.${rest}`) !== true) return `${specifier} is no door of a package`;
  return file.isProduct ? productBreach(file, specifier, name, `.${rest}`) : undefined;
}

function relativeBreach(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.endsWith('.ts')) return `${specifier} must end in .ts`;
  const target = resolveFrom(file.path, specifier);
  const [, name] = /^packages\/([^/]+)\//.exec(target) ?? [];
  if (name !== undefined && name !== file.package) return `${specifier} enters ${name} past its doors`;
  if (!file.isProduct) return undefined;
  if (!target.startsWith(`packages/${file.package}/src/`)) return `${specifier} leaves the src folder of its package`;
  return target.endsWith('.test.ts') ? `${specifier} is a test` : undefined;
}

function foreignBreach(file: SourceFile, specifier: string): string | undefined {
  const owned = OWNED.find(({ prefix }) => specifier.startsWith(prefix));
  if (owned === undefined || owned.owner === file.package || !file.isProduct) return undefined;
  return `${specifier} may be imported by ${owned.owner} alone`;
}

function productBreach(file: SourceFile, specifier: string, name: string, door: string): string | undefined {
  const lower = LOWER[file.package ?? ''];
  if (lower === undefined) return `package ${file.package} has no place in the layers`;
  if (!lower.includes(name)) return `${file.package} may not import ${name}`;
  const isTool = TOOLS.packages.includes(file.package ?? '') && specifier === TOOLS.specifier;
  if (!PRODUCT_DOORS.has(door) && !isTool) return `${specifier} is a door for tests`;
  if (file.package === 'certificates' && door !== '.') return `certificates may use the public door of ${name} alone`;
  if (name === 'delivery-a1' && file.package === 'services-a2' && file.path !== PORT) {
    return `services-a2 sees delivery-a1 through ${PORT} alone`;
  }
  return undefined;
}

/** Values of A1 and of A0's inner door meet in the wiring alone; types, and the public door of A0, may stand anywhere. */
function joining(file: SourceFile): { line: number; text: string | undefined } {
  if (file.package !== 'domus' || !file.isProduct || file.path === WIRING) return { line: 1, text: undefined };
  const values = file.imports.filter((imported) => !imported.typeOnly);
  const delivery = values.find(({ specifier }) => specifier.startsWith('@flaminia/delivery-a1'));
  const transport = values.find(({ specifier }) => specifier === '@flaminia/transport-a0/internal');
  if (delivery === undefined || transport === undefined) return { line: 1, text: undefined };
  return { line: transport.line, text: `values of delivery-a1 and transport-a0 meet in ${WIRING} alone` };
}
