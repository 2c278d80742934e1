// How far a stream is: called at most ten times a second, and at the end.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Domus } from '@flaminia/domus';
import { Files } from './files.ts';

export type Told = (arrived: number, bytes: number) => void;

export async function sendWatched(domus: Domus, path: string, told: Told): Promise<void> {
  const { size } = await stat(path);
  const blob = await domus.sendBlob(Files, { name: basename(path) });
  blob.on('progress', () => told(blob.bytesAcknowledged, size));
  await pipeline(createReadStream(path), blob);
  told(blob.bytesAcknowledged, size);
}
