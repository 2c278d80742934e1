/**
 * The purity of `core/` folders: machines that get time, randomness and ids as arguments, and act through a sink.
 *
 * A file there imports nothing of Node and nothing of a shell, sets no timer, reads no clock, draws no random number,
 * returns no promise, and names `Buffer` as a type only.
 */
import { isBuiltin } from 'node:module';
import type { Token } from '../source/tokens.ts';
import type { Finding, SourceFile } from './source-file.ts';

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => [name, 'sets a timer'] as const),
  ...['Date', 'performance'].map((name) => [name, 'reads a clock'] as const),
  ...['async', 'await', 'Promise', 'PromiseLike'].map((name) => [name, 'deals in promises'] as const),
  ...['process', 'globalThis', 'global', 'console', 'fetch', 'AbortSignal', 'AbortController', 'require'].map(
    (name) => [name, 'reaches the world outside'] as const,
  ),
  ['crypto', 'draws random numbers'],
]);

/** All breaches of purity in one file; none for a file that is not in a `core/` folder, or a test. */
export function checkPurity(file: SourceFile): Finding[] {
  if (!file.isProduct || !file.path.includes('/core/')) return [];
  const imports = file.imports.flatMap(({ specifier, line }) => {
    if (isBuiltin(specifier)) return [{ path: file.path, line, text: `core imports ${specifier}` }];
    return specifier.includes('/shell/')
      ? [{ path: file.path, line, text: `core imports the shell: ${specifier}` }]
      : [];
  });
  const words = file.tokens.flatMap((token, index) => {
    const reason = token.kind === 'word' ? impurity(file.tokens, index) : undefined;
    return reason === undefined ? [] : [{ path: file.path, line: token.line, text: `core ${reason}: ${token.value}` }];
  });
  return [...imports, ...words];
}

function impurity(tokens: readonly Token[], index: number): string | undefined {
  const before = tokens[index - 1]?.value;
  const after = tokens[index + 1]?.value;
  if (before === '.' || before === '?.') return undefined;
  const name = tokens[index]!.value;
  if (name === 'Math')
    return after === '.' && tokens[index + 2]?.value === 'random' ? 'draws random numbers' : undefined;
  if (name === 'Buffer')
    return before === 'new' || before === 'instanceof' || after === '.' ? 'uses a value of Node' : undefined;
  if (after === ':' && before !== '?') return undefined; // a key or a parameter of that name
  return FORBIDDEN.get(name);
}
