/** The lines of a text file, one at a time; a file is never held in memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TextDecoder } from 'node:util';

/** Beyond these a file is for streaming, not for orders. */
const MOST_LINES = 1_000_000;
const LONGEST_LINE = 64 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** What a file is to the demo. */
export interface FileFacts {
  readonly bytes: number;
  /** Lines that can be orders; undefined where the file is no text, or too much of it. */
  readonly lines: number | undefined;
}

/** A file that cannot be used; the text says why. */
export class UnreadableFile extends Error {}

/** The file is no text whose lines could be orders. */
class NotLines extends Error {}

/** Looks at a file. Rejects with {@link UnreadableFile}, or on abort. */
export async function examine(file: string, signal: AbortSignal): Promise<FileFacts> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new UnreadableFile(`cannot read ${file}: it is a folder`);
    // A device or a pipe has no end, or cannot be read twice.
    if (!facts.isFile()) throw new UnreadableFile(`cannot read ${file}: it is not a regular file`);
    return { bytes: facts.size, lines: await countLines(file, signal) };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof UnreadableFile || code === undefined || signal.aborted) throw cause;
    throw new UnreadableFile(`cannot read ${file}: ${REASONS[code] ?? code}`, { cause });
  }
}

async function countLines(file: string, signal: AbortSignal): Promise<number | undefined> {
  let count = 0;
  try {
    for await (const _ of linesOf(file, signal)) if (++count > MOST_LINES) return undefined;
  } catch (error) {
    if (error instanceof NotLines) return undefined;
    throw error;
  }
  return count;
}

/** The lines of a file without their ends. Rejects where it is not UTF-8, or a line is too long to be an order. */
export async function* linesOf(file: string, signal?: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const piece of createReadStream(file, signal === undefined ? {} : { signal })) {
    const parts = (rest + textOf(decoder, piece as Uint8Array)).split('\n');
    rest = parts.pop()!;
    if (rest.length > LONGEST_LINE) throw new NotLines('a line is too long');
    for (const part of parts) yield part.endsWith('\r') ? part.slice(0, -1) : part;
  }
  rest += textOf(decoder);
  if (rest !== '') yield rest;
}

/** The text of a piece, or of what is left at the end. */
function textOf(decoder: TextDecoder, piece?: Uint8Array): string {
  if (piece?.includes(0) === true) throw new NotLines('binary');
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch {
    throw new NotLines('not UTF-8');
  }
}
