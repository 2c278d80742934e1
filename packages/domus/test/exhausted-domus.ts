/**
 * A process whose files a test uses up, with three domus in it: two that know each other, and one that nobody has met. Each
 * line that it prints is a fact; the last one is `end`.
 */
import { closeSync, openSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { DomusError } from '@flaminia/transport-a0';
import { Domus } from '../src/domus.ts';
import { keepLedger, MemoryLedger, Streams } from './ledger.ts';
import { Numbers } from './memory-bench.ts';

const PATIENT_MS = 60_000;
const config = { sendTimeout: PATIENT_MS, reconnectBackoff: [50] };
const ca = await createAuthority();
const open = async (nodeId: string): Promise<Domus> => {
  const domus = await Domus.open({ address: 'tcp://127.0.0.1:0', auth: issueAuth({ ca, nodeId }), config });
  await domus.serve(Numbers, () => {});
  return domus;
};
const tell = (fact: string): void => void process.stdout.write(`${fact}\n`);
const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'resolved',
    (error: unknown) =>
      DomusError.is(error) ? `${error.kind} ${error.delivery}, ${String(error.cause)}` : String(error),
  );

/** Work that is given up after this time. */
const within = async (sendTimeout: number, work: () => Promise<unknown>): Promise<string> => {
  for (const domus of [worker, friend, late]) domus.config.update({ sendTimeout });
  const outcome = await outcomeOf(work());
  for (const domus of [worker, friend, late]) domus.config.update({ sendTimeout: PATIENT_MS });
  return outcome;
};
/** What a send meets on its way: where the machine was too slow for it to meet anything, another one waits longer. */
const met = async (work: () => Promise<unknown>): Promise<string> => {
  for (let waitMs = 1_000; ; waitMs *= 2) {
    const outcome = await within(waitMs, work);
    if (!outcome.endsWith('undefined') || waitMs > 16_000) return outcome;
  }
};

const [worker, friend, late] = [await open('worker'), await open('friend'), await open('late')];
await keepLedger(worker, new MemoryLedger());
await friend.send(Numbers, 0, { to: worker.address });
// Whatever a first attempt loads is loaded now.
await met(() => friend.send(Numbers, 0, { to: 'tcp://127.0.0.1:1' }));
const files: number[] = [];
try {
  for (;;) files.push(openSync('/dev/null', 'r'));
} catch (error) {
  tell(`exhausted: ${(error as NodeJS.ErrnoException).code}`);
}
tell(`a connection that stands: ${await outcomeOf(friend.send(Numbers, 1, { to: worker.address }))}`);
tell(`a new connection: ${await met(() => late.send(Numbers, 2, { to: worker.address }))}`);
tell(`a stream: ${await within(1_000, () => friend.sendBlob(Streams, 'without', { to: worker.address }))}`);
tell(`another domus: ${await outcomeOf(open('another'))}`);
for (const file of files) closeSync(file);
tell(`a new connection, later: ${await outcomeOf(late.send(Numbers, 3, { to: worker.address }))}`);
const stream = friend.sendBlob(Streams, 'with', { to: worker.address });
tell(`a stream, later: ${await outcomeOf(stream.then((blob) => pipeline([Buffer.alloc(100_000)], blob)))}`);
const another = await open('another');
tell(`another domus, later: ${await outcomeOf(another.send(Numbers, 4, { to: worker.address }))}`);
for (const domus of [another, late, friend, worker]) await domus.shutdown();
const { blobsIn, blobsOut } = worker.delivery.core;
tell(`reserved: ${blobsIn.reserved} ${blobsOut.reserved} ${friend.delivery.core.blobsOut.reserved}`);
tell('end');
