/**
 * Blob streams of this fabric, as a user drives them: `streams` of them at once, each a Node `Writable` that is written as fast
 * as it takes bytes, to a handler that only counts what it reads.
 */
import { blobEndpoint, bytes, Domus, type DomusConfig, SimpleResolver } from '@flaminia/domus';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const blobRoad: Road = { receive, send };

const Files = blobEndpoint('bench-files', bytes());

/** Counts whole pieces of the plan's size, over all streams and for each. */
async function receive(run: Run, tally: Tally): Promise<Receiving> {
  const { payloadBytes } = run.plan;
  const domus = await openDomus(run.receiver, run);
  await domus.serve(
    Files,
    (message, { blob }) => {
      const stream = message[0]!;
      let arrived = 0;
      blob.on('data', (part: Buffer) => {
        arrived += part.length;
        const whole = Math.floor(arrived / payloadBytes);
        arrived -= whole * payloadBytes;
        tally.add(whole, stream);
      });
      return new Promise<void>((resolve) => blob.on('close', resolve).on('error', () => {}));
    },
    { concurrency: 1024 },
  );
  return { close: () => domus.shutdown({ drainTimeout: 0 }) };
}

async function send(run: Run): Promise<Sending> {
  const resolver = new SimpleResolver([[Files, run.receiver.address]]);
  const domus = await openDomus(run.sender, run, resolver);
  const piece = Buffer.alloc(run.plan.payloadBytes, 7);
  for (let stream = 0; stream < run.plan.depth; stream++) {
    const blob = await domus.sendBlob(Files, new Uint8Array([stream]));
    const fill = (): void => {
      while (blob.write(piece));
    };
    blob.on('drain', fill).on('error', () => {});
    fill();
  }
  return { agreed: '', close: () => domus.shutdown({ drainTimeout: 0 }) };
}

function openDomus({ address, auth }: Side, { plan }: Run, resolver?: SimpleResolver): Promise<Domus> {
  const config: Partial<DomusConfig> = {
    ...(plan.window && { blobWindow: plan.window }),
    blobInboundBufferBytes: 1024 * 1024 * 1024,
    blobOutboundBufferBytes: 1024 * 1024 * 1024,
  };
  return Domus.open({ address, auth, config, ...(resolver && { resolver }) });
}
