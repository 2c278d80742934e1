/** What a source file imports, read from its tokens: static and dynamic imports, re-exports, `require`. */
import type { Token } from './tokens.ts';

/** One import or re-export of a module. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Nothing of it exists at run time: `import type`, or braces in which each name is marked `type`. */
  readonly typeOnly: boolean;
  /** `export ... from`. */
  readonly isReExport: boolean;
}

/** All imports of a file, in order. */
export function importsOf(tokens: readonly Token[]): Import[] {
  const found: Import[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || isMember(tokens, index)) return;
    const next = tokens[index + 1];
    if (isSign(next, '.') || isSign(next, ':')) return; // import.meta, and keys of objects
    if ((token.value === 'import' || token.value === 'require') && isSign(next, '('))
      add(found, dynamic(tokens, index));
    else if (token.value === 'import') add(found, fromClause(tokens, index, false));
    else if (token.value === 'export' && isReExport(tokens, index)) add(found, fromClause(tokens, index, true));
  });
  return found;
}

function add(found: Import[], imported: Import | undefined): void {
  if (imported !== undefined) found.push(imported);
}

function dynamic(tokens: readonly Token[], index: number): Import | undefined {
  const specifier = tokens[index + 2];
  if (specifier?.kind !== 'text') return undefined;
  return { specifier: specifier.value, line: tokens[index]!.line, typeOnly: false, isReExport: false };
}

/** `import a, { b } from 'x'`, `import 'x'`, `export * from 'x'`; the text behind it is the specifier. */
function fromClause(tokens: readonly Token[], index: number, isReExport: boolean): Import | undefined {
  let end = index + 1;
  while (end < tokens.length && tokens[end]!.kind !== 'text') {
    if (isSign(tokens[end], ';')) return undefined;
    end++;
  }
  const specifier = tokens[end];
  if (specifier === undefined) return undefined;
  const clause = tokens.slice(index + 1, end);
  return { specifier: specifier.value, line: tokens[index]!.line, typeOnly: isTypeOnly(clause), isReExport };
}

function isReExport(tokens: readonly Token[], index: number): boolean {
  const first = tokens[index + 1]?.value === 'type' ? index + 2 : index + 1;
  if (isSign(tokens[first], '*')) return true;
  if (!isSign(tokens[first], '{')) return false;
  let end = first;
  while (end < tokens.length && !isSign(tokens[end], '}')) end++;
  return tokens[end + 1]?.value === 'from';
}

function isTypeOnly(clause: readonly Token[]): boolean {
  const [first, second] = clause;
  if (first?.value === 'type' && second?.value !== 'from' && !isSign(second, ',')) return true;
  if (!isSign(first, '{')) return false;
  const names = splitAtCommas(clause.slice(1, -2));
  return names.length > 0 && names.every(isMarkedType);
}

/** `type a` and `type a as b`, but not the values `type` and `type as b`. */
function isMarkedType([first, second]: readonly Token[]): boolean {
  return first?.value === 'type' && second !== undefined && second.value !== 'as';
}

function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const groups: Token[][] = [[]];
  for (const token of tokens) {
    if (isSign(token, ',')) groups.push([]);
    else groups.at(-1)!.push(token);
  }
  return groups.filter((group) => group.length > 0);
}

/** The word is a member (`x.import`), not a statement. */
function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  return isSign(before, '.') || isSign(before, '?.');
}

function isSign(token: Token | undefined, value: string): boolean {
  return token?.kind === 'sign' && token.value === value;
}
