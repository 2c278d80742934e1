// receive.ts
import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Domus, Serving } from '@flaminia/domus';
import { Files } from './files.ts';

export function receiveFiles(domus: Domus, folder: string): Promise<Serving> {
  return domus.serve(Files, async ({ name }, request) => {
    // `basename`: a name from elsewhere does not choose the folder.
    await pipeline(request.blob, createWriteStream(join(folder, basename(name)))); // the first read accepts
  });
}
