// Lines that come now and then: each is sent at once, though it fills no chunk.
import { pipeline } from 'node:stream/promises';
import type { Domus } from '@flaminia/domus';
import { Files } from './files.ts';

export async function sendLines(domus: Domus, name: string, lines: AsyncIterable<string>): Promise<void> {
  const blob = await domus.sendBlob(Files, { name });
  async function* flushed(): AsyncGenerator<string> {
    for await (const line of lines) {
      yield `${line}\n`;
      blob.flush(); // it was written when the next one is asked for
    }
  }
  await pipeline(flushed, blob);
}
