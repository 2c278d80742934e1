/** Libraries write nothing to the console: what they have to say goes to `log`, to events and into errors. */
import type { Finding, SourceFile } from './source-file.ts';

/** Packages that are programs, or hold some. */
const PROGRAMS: ReadonlySet<string | undefined> = new Set(['testkit', 'cli']);

/** All places of one file that could write to the console; none for tests and programs. */
export function checkQuiet({ path, package: name, isProduct, tokens }: SourceFile): Finding[] {
  if (!isProduct || PROGRAMS.has(name)) return [];
  return tokens.flatMap(({ kind, value, line }, index) => {
    const isMember = tokens[index - 1]?.value === '.';
    const isConsole = value === 'console' && !isMember;
    const isOutput = isMember && tokens[index - 2]?.value === 'process' && /^std(?:out|err)$|^emitWarning$/.test(value);
    return kind === 'word' && (isConsole || isOutput)
      ? [{ path, line, text: 'libraries write nothing to the console' }]
      : [];
  });
}
