/** The outward shape of a file: its length, its name, the names of its classes, and whether it hands others' things on. */
import type { Finding, SourceFile } from './source-file.ts';

/** Beyond so many lines a file needs a reason at its top. */
const MAX_LINES = 400;
/** The comment line that gives it, among the first so many lines: `// Long on purpose: one table, read as a whole`. */
const REASON = /^\s*(?:\/\/|\*)\s*Long on purpose: \S/;
const REASON_WITHIN = 12;

const VAGUE = /^(?:utils?|helpers?|common|types|misc)$/;
const VAGUE_CLASS = /(?:Manager|Handler|Base|Impl)$/;
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.ts$/;
const DOOR = /^packages\/[^/]+\/src\/(?:index|internal|services|testing)\.ts$/;

/** All faults of shape of one file. */
export function checkShape(file: SourceFile): Finding[] {
  return [...lengthFaults(file), ...pathFaults(file), ...classFaults(file), ...reExports(file)];
}

function lengthFaults({ path, text }: SourceFile): Finding[] {
  const lines = text.trimEnd().split('\n');
  if (lines.length <= MAX_LINES || lines.slice(0, REASON_WITHIN).some((line) => REASON.test(line))) return [];
  const rule = `over ${MAX_LINES} a file says why at its top: "Long on purpose: ..."`;
  return [{ path, line: 1, text: `${lines.length} lines; ${rule}` }];
}

function pathFaults({ path }: SourceFile): Finding[] {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const vague = [...parts, name.replace(/(?:\.test)?\.ts$/, '')].filter((part) => VAGUE.test(part));
  const faults = vague.map((part) => ({ path, line: 1, text: `"${part}" names no concept` }));
  return KEBAB.test(name) ? faults : [...faults, { path, line: 1, text: 'file names are kebab-case' }];
}

function classFaults({ path, tokens }: SourceFile): Finding[] {
  return tokens.flatMap(({ value, line }, index) => {
    const isName = tokens[index - 1]?.value === 'class' && tokens[index - 2]?.value !== '.';
    return isName && VAGUE_CLASS.test(value) ? [{ path, line, text: `class ${value} is named for no role` }] : [];
  });
}

function reExports({ path, imports, isProduct }: SourceFile): Finding[] {
  if (!isProduct || DOOR.test(path)) return [];
  return imports
    .filter((imported) => imported.isReExport)
    .map(({ line, specifier }) => ({ path, line, text: `${specifier} is exported again; only doors do that` }));
}
