/** A source file as the structure rules see it, and what a rule says about one. */
import { type Import, importsOf } from '../source/imports.ts';
import { type Token, tokensOf } from '../source/tokens.ts';

export interface SourceFile {
  /** Relative to the root of the repository, with slashes. */
  readonly path: string;
  /** The folder below `packages/`; undefined for demo, bench, interop and scripts. */
  readonly package: string | undefined;
  /** Shipped code: below the `src` of a package, and no test. The layer law is for these. */
  readonly isProduct: boolean;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly imports: readonly Import[];
}

/** A breach of a rule. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export function sourceFile(path: string, text: string): SourceFile {
  const [, name, folder] = /^packages\/([^/]+)\/([^/]+)\//.exec(path) ?? [];
  const tokens = tokensOf(text, path);
  return {
    path,
    package: name,
    isProduct: folder === 'src' && !path.endsWith('.test.ts'),
    text,
    tokens,
    imports: importsOf(tokens),
  };
}

/** The path that a relative specifier names. */
export function resolveFrom(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
