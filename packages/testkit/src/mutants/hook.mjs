// Plants one bug: whoever loads the named source file gets its text with one place replaced. Given with `--import` in front
// of tsx, which then sees that text as if it stood in the file. Plain JavaScript, since nothing strips types before tsx.
//
// FLAMINIA_MUTANT holds the mutant as JSON: its file (from the root of the workspace), `find` and `replace`.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const { name, file, find, replace } = JSON.parse(process.env.FLAMINIA_MUTANT);
const target = new URL(`../../../../${file}`, import.meta.url).href;

/** Works as a hook of both kinds: it never waits. */
export function load(url, context, nextLoad) {
  if (url.split('?', 1)[0] !== target) return nextLoad(url, context);
  const parts = readFileSync(fileURLToPath(target), 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`mutant ${name} does not apply any more: ${file}`);
  return { format: context.format ?? 'module', source: parts.join(replace), shortCircuit: true };
}

// On Node 20 hooks run in a thread of their own, which loads this file again.
if (nodeModule.registerHooks !== undefined) nodeModule.registerHooks({ load });
else if (isMainThread) nodeModule.register(import.meta.url);
