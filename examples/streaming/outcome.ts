// What became of a file, for a program that has to decide what to do next.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Domus, DomusError } from '@flaminia/domus';
import { Files } from './files.ts';

export type Outcome = 'arrived' | 'refused' | 'given-up' | 'try-again';

export async function trySend(domus: Domus, path: string, signal: AbortSignal): Promise<Outcome> {
  try {
    const blob = await domus.sendBlob(Files, { name: basename(path) }, { signal });
    await pipeline(createReadStream(path), blob);
    return 'arrived';
  } catch (error) {
    if (!DomusError.is(error)) throw error; // the signal's reason, or the file could not be read
    if (error.kind === 'remote-taberna-rejected') return 'refused'; // the handler does not want it
    if (error.detail === 'stream-aborted') return 'given-up'; // the handler has stopped reading
    return 'try-again'; // from the first byte: a stream that has failed cannot be continued
  }
}
