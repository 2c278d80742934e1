/**
 * A domus in a process of its own whose files a test uses up: it prints where it listens, takes all files at the first
 * line of its input, gives them back at the second and lets an honest peer dial.
 */
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { issueAuthority, openDomus } from './tcp-imperium.ts';

const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
const authority = await issueAuthority();
const [domus, honest] = [await openDomus(authority), await openDomus(authority)];
process.stdout.write(`${domus.address.ip} ${domus.address.port}\n`);
await lines.next();
const files: number[] = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch {
  process.stdout.write('no file is left\n');
}
await lines.next();
for (const file of files) closeSync(file);
(await honest.dial(domus.address.text)).destroy();
(await domus.nextAccepted()).destroy();
process.stdout.write(`an honest peer came in; listener errors: ${domus.listenerErrors.length}\n`);
await Promise.all([domus.close(), honest.close()]);
await lines.next();
