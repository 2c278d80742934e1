/**
 * What a worker has done, one order id a line: its memory across a crash. An id is written before its order is
 * accepted, so an accepted order is never lost, and one that is sent again is known.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

export class Journal {
  private readonly known: Set<number>;
  private readonly file: number;

  constructor(path: string) {
    this.known = new Set(readJournal(path));
    this.file = openSync(path, 'a');
  }

  /** Applies an order once: false when it was applied before. */
  apply(id: number): boolean {
    if (this.known.has(id)) return false;
    writeSync(this.file, `${id}\n`);
    this.known.add(id);
    return true;
  }

  close(): void {
    closeSync(this.file);
  }
}

/** The ids in a journal, in the order of their work. A line that a crash cut short was never accepted. */
export function readJournal(path: string): number[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map(Number);
}
