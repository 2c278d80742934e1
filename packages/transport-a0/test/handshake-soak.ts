/**
 * Handshakes in any number, run by hand, to see whether they leave something behind. Every tenth comes from another
 * authority. Prints what is held after each tenth of them, behind a garbage collection.
 *
 *   node --expose-gc --conditions=@flaminia/source --import tsx packages/transport-a0/test/handshake-soak.ts --handshakes 100000
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { issueAuthority, issueLeaf, openDomus, until } from './tcp-imperium.ts';
import { actorDials } from './tls-actor.ts';

const STEPS = 10;
const STRANGERS = 10;

const { values } = parseArgs({ options: { handshakes: { type: 'string', default: '100000' } } });
const total = Number(values.handshakes);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
const authority = await issueAuthority();
const [domus, honest] = [await openDomus(authority), await openDomus(authority)];
const strange = await issueLeaf(await issueAuthority(), honest.address.text);

async function handshake(number: number): Promise<void> {
  if (number % STRANGERS === 0) {
    const actor = await actorDials(domus.address, strange);
    await until(() => actor.closed);
    await domus.nextFailure();
    return;
  }
  (await honest.dial(domus.address.text)).destroy();
  (await domus.nextAccepted()).destroy();
}

/** Bytes held, in KiB, and open files. */
function held(): string {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const kib = (bytes: number): number => Math.round(bytes / 1_024);
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : Number.NaN;
  return `heap ${kib(heapUsed)} KiB, external ${kib(external)} KiB, resident ${kib(rss)} KiB, ${files} files`;
}

for (let step = 0; step <= STEPS; step++) {
  process.stdout.write(`${Math.round((total / STEPS) * step)} handshakes: ${held()}\n`);
  if (step === STEPS) break;
  for (let i = 0; i < total / STEPS; i++) await handshake(i);
}
await Promise.all([domus.close(), honest.close()]);
