/**
 * A small scanner of TypeScript source: enough to know what is code, what is text and what is comment, so that the
 * checks above it never mistake one for another. It is no parser, and knows neither types nor scopes.
 *
 * 1. Comments vanish; every other character belongs to exactly one token or is white space.
 * 2. A template yields one `text` token per piece of literal text, and between them the tokens of its expressions.
 * 3. A `/` begins a regular expression unless a value stands before it. `)`, `]` and `}` count as values, which is
 *    wrong only for `if (x) /y/.test(z)` and its like; formatted source of this repository has none. A `!` behind a value asserts
 *    that it is there, and leaves it a value.
 */

/** One token and the line on which it begins, counted from 1. */
export interface Token {
  readonly kind: 'word' | 'text' | 'number' | 'pattern' | 'sign';
  /** The source of the token; for `text`, what stands between the quotes, escapes untouched. */
  readonly value: string;
  readonly line: number;
}

/** Words behind which a `/` begins a regular expression. */
const operatorWords = new Set([
  'await',
  'case',
  'delete',
  'do',
  'else',
  'in',
  'instanceof',
  'new',
  'of',
  'return',
  'throw',
  'typeof',
  'void',
  'yield',
]);

const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\.?\d(?:[eE][+-]|[\w.])*/y;
const SPACE = /\s+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const SHEBANG = /#![^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const QUOTED = /'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"/y;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_PIECE = /((?:[^`\\$]|\\[\s\S]|\$(?!\{))*)(`|\$\{)/y;
const SIGN = /\?\.|=>|\.\.\.|\S/uy;

/** All tokens of `source`, in order. Throws where a quote or a comment never ends, and names `path`. */
export function tokensOf(source: string, path = ''): Token[] {
  const scan = new Scan(source, path);
  while (!scan.atEnd) scan.step();
  return scan.end();
}

class Scan {
  private readonly tokens: Token[] = [];
  private readonly source: string;
  private readonly path: string;
  private at = 0;
  private line = 1;
  /** For each template that is open: how many braces of its current expression are open. */
  private readonly templates: number[] = [];

  constructor(source: string, path: string) {
    this.source = source;
    this.path = path;
  }

  get atEnd(): boolean {
    return this.at >= this.source.length;
  }

  step(): void {
    if (this.skip()) return;
    const next = this.source[this.at] ?? '';
    if (next === "'" || next === '"') this.quoted();
    else if (next === '`' || (next === '}' && this.templates.at(-1) === 0)) this.template(next);
    else if (next === '/' && !this.afterValue()) this.push('pattern', this.line, this.need(PATTERN, 'pattern'));
    else if (!this.taken('word', WORD) && !this.taken('number', NUMBER)) this.sign();
  }

  /** The source ended here; nothing may be open. */
  end(): Token[] {
    if (this.templates.length > 0) throw this.broken('template');
    return this.tokens;
  }

  /** White space and comments. */
  private skip(): boolean {
    if (this.at === 0 && this.take(SHEBANG) !== undefined) return true;
    return [SPACE, LINE_COMMENT, BLOCK_COMMENT].some((pattern) => this.take(pattern) !== undefined);
  }

  private quoted(): void {
    const line = this.line;
    const match = this.take(QUOTED);
    if (match === undefined) throw this.broken('quote');
    this.push('text', line, match[1] ?? match[2] ?? '');
  }

  /** Reads literal text up to the end of the template or the start of an expression; `opener` is what stands before it. */
  private template(opener: string): void {
    if (opener === '}') this.templates.pop();
    this.at++;
    const line = this.line;
    const match = this.take(TEMPLATE_PIECE);
    if (match === undefined) throw this.broken('template');
    this.push('text', line, match[1] ?? '');
    if (match[2] === '${') this.templates.push(0);
  }

  private sign(): void {
    const line = this.line;
    const sign = this.need(SIGN, 'sign');
    const depth = this.templates.length - 1;
    if (sign === '{' && depth >= 0) this.templates[depth]!++;
    if (sign === '}' && depth >= 0) this.templates[depth]!--;
    this.push('sign', line, sign);
  }

  private afterValue(): boolean {
    const last = this.tokens.findLast(({ kind, value }) => kind !== 'sign' || value !== '!');
    if (last === undefined) return false;
    if (last.kind === 'word') return !operatorWords.has(last.value);
    return last.kind !== 'sign' || last.value === ')' || last.value === ']' || last.value === '}';
  }

  private taken(kind: Token['kind'], pattern: RegExp): boolean {
    const line = this.line;
    const match = this.take(pattern);
    if (match !== undefined) this.push(kind, line, match[0]);
    return match !== undefined;
  }

  private push(kind: Token['kind'], line: number, value: string): void {
    this.tokens.push({ kind, value, line });
  }

  private need(pattern: RegExp, what: string): string {
    const match = this.take(pattern);
    if (match === undefined) throw this.broken(what);
    return match[0];
  }

  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    for (const character of match[0]) if (character === '\n') this.line++;
    return match;
  }

  private broken(what: string): Error {
    const place = this.path === '' ? '' : `${this.path}, `;
    return new Error(`${place}line ${this.line}: a ${what} that never ends`);
  }
}
