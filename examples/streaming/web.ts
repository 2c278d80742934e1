// The streams of the web: a body that came by `fetch`, handed on as it comes.
import type { ReadableStream } from 'node:stream/web';
import type { Domus } from '@flaminia/domus';
import { Files } from './files.ts';

export async function sendBody(domus: Domus, name: string, body: ReadableStream<Uint8Array>): Promise<void> {
  const blob = await domus.sendBlob(Files, { name });
  await body.pipeTo(blob.toWeb()); // resolves when every byte has arrived
}
