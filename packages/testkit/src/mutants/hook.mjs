// Plants bugs: modules that are imported with `?mutant=NAME`, and all that they import of this workspace, form a copy of their
// own in which one place of one source file is replaced. Given with `--import` in front of tsx, which then sees that text as if
// it stood in the file. Plain JavaScript, since nothing strips types before tsx.
//
// FLAMINIA_MUTANTS holds the mutants as JSON: name, file (from the root of the workspace), `find` and `replace`.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const ROOT = new URL('../../../../', import.meta.url).href;
const MARK = '?mutant=';
const mutants = new Map(JSON.parse(process.env.FLAMINIA_MUTANTS).map((mutant) => [mutant.name, mutant]));

/** Whatever a module of a copy imports of this workspace belongs to the same copy. */
export function resolve(specifier, context, nextResolve) {
  const name = context.parentURL?.split(MARK)[1];
  const result = nextResolve(specifier, context);
  if (name === undefined) return result;
  const placed = (found) => (isOurs(found.url) ? { ...found, url: `${found.url}${MARK}${name}` } : found);
  return result instanceof Promise ? result.then(placed) : placed(result);
}

export function load(url, context, nextLoad) {
  const [plain, name] = url.split(MARK);
  const mutant = mutants.get(name);
  if (mutant === undefined || plain !== `${ROOT}${mutant.file}`) return nextLoad(url, context);
  const parts = readFileSync(fileURLToPath(plain), 'utf8').split(mutant.find);
  if (parts.length !== 2) throw new Error(`mutant ${name} does not apply any more: ${mutant.file}`);
  return { format: context.format ?? 'module', source: parts.join(mutant.replace), shortCircuit: true };
}

function isOurs(url) {
  return url.startsWith(`${ROOT}packages/`) && !url.includes('/node_modules/') && !url.includes(MARK);
}

// On Node 20 hooks run in a thread of their own, which loads this file again.
if (nodeModule.registerHooks !== undefined) nodeModule.registerHooks({ resolve, load });
else if (isMainThread) nodeModule.register(import.meta.url);
