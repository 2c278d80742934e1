/** The codes of Node's file-system errors that this package tells apart. */

export type FileErrorCode = 'ENOENT' | 'ELOOP';

export function hasCode(error: unknown, code: FileErrorCode): boolean {
  return codeOf(error) === code;
}

/** The code of an error of the system, such as `EACCES`; undefined for everything else. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
