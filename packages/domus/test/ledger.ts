/**
 * Ledgers for the tests with faults: what handlers have seen, line by line, so that a test can hold it against what senders
 * were told. One lies in memory; one in a file, which outlives a process that is killed.
 */
import { createHash } from 'node:crypto';
import { openSync, readFileSync, writeSync } from 'node:fs';
import type { Domus } from '../src/domus.ts';
import { type BlobEndpoint, blobEndpoint, type Endpoint, endpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';

/** A message of a load: its key, which is sent once in all lives, and some bytes to carry. */
export interface Entry {
  readonly key: string;
  readonly pad: string;
}

export const Entries: Endpoint<Entry> = endpoint('entries', json<Entry>());
/** The message of a stream is its key. */
export const Streams: BlobEndpoint<string> = blobEndpoint('streams', json<string>());

/** Lines: `message <key>` and `stream <key>` when a handler begins, `bytes <key> <sha256>` when a stream was read to its end. */
export interface Ledger {
  write(line: string): void;
  /** How often each line was written. */
  read(): ReadonlyMap<string, number>;
}

export class MemoryLedger implements Ledger {
  private readonly counts = new Map<string, number>();

  write(line: string): void {
    this.counts.set(line, (this.counts.get(line) ?? 0) + 1);
  }

  read(): ReadonlyMap<string, number> {
    return this.counts;
  }
}

export class FileLedger implements Ledger {
  private readonly path: string;
  private readonly file: number;

  constructor(path: string) {
    this.path = path;
    this.file = openSync(path, 'a');
  }

  /** The line is in the hands of the system when this returns: no kill takes it back. */
  write(line: string): void {
    writeSync(this.file, `${line}\n`);
  }

  read(): ReadonlyMap<string, number> {
    const ledger = new MemoryLedger();
    for (const line of readFileSync(this.path, 'utf8').split('\n')) if (line !== '') ledger.write(line);
    return ledger.read();
  }
}

/** Serves both endpoints of the loads; each line stands before the handler accepts, or behind the last byte. */
export async function keepLedger(domus: Domus, ledger: Ledger): Promise<void> {
  await domus.serve(Entries, ({ key }) => ledger.write(`message ${key}`));
  await domus.serve(Streams, async (key, { blob }) => {
    ledger.write(`stream ${key}`);
    const hash = createHash('sha256');
    for await (const piece of blob) hash.update(piece as Uint8Array);
    ledger.write(`bytes ${key} ${hash.digest('hex')}`);
  });
}
