// Reading an inbox by hand: what a request brings may go to three places.
import { buffer } from 'node:stream/consumers';
import type { Domus } from '@flaminia/domus';
import { Files } from './files.ts';

/** The next small text file; others are refused. */
export async function nextText(domus: Domus): Promise<string> {
  const inbox = await domus.taberna(Files);
  try {
    for (;;) {
      const { message, blob, completion } = (await inbox.receive()).split();
      if (message.name.endsWith('.txt')) return String(await buffer(blob));
      completion.reject();
    }
  } finally {
    await inbox.close();
  }
}
