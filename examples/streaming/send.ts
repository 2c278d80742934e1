// send.ts
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Domus } from '@flaminia/domus';
import { Files } from './files.ts';

export async function sendFile(domus: Domus, path: string): Promise<void> {
  const blob = await domus.sendBlob(Files, { name: basename(path) }); // resolves when the handler accepted
  await pipeline(createReadStream(path), blob); // resolves when every byte has arrived
}
