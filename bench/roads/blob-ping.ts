/** Sequential sends of this fabric, one awaited before the next, while blob streams keep both sides busy. */
import { blobEndpoint, bytes, Domus, endpoint, SimpleResolver } from '@flaminia/domus';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const blobPing: Road = { receive, send };

const Pings = endpoint('bench-pings', bytes());
const Files = blobEndpoint('bench-files', bytes());
const STREAMS = 8;
const PIECE_BYTES = 64 * 1024;

async function receive({ receiver }: Run): Promise<Receiving> {
  const domus = await Domus.open({ address: receiver.address, auth: receiver.auth });
  await domus.serve(Pings, () => {});
  await domus.serve(Files, (_message, { blob }) => {
    blob.resume().on('error', () => {});
    return new Promise<void>((resolve) => blob.on('close', resolve));
  });
  return { close: () => domus.shutdown({ drainTimeout: 0 }) };
}

async function send({ receiver, sender, plan }: Run, tally: Tally): Promise<Sending> {
  const to = receiver.address;
  const resolver = new SimpleResolver([
    [Pings, to],
    [Files, to],
  ]);
  const domus = await Domus.open({ address: sender.address, auth: sender.auth, resolver });
  const piece = Buffer.alloc(PIECE_BYTES, 7);
  for (let stream = 0; stream < STREAMS; stream++) {
    const blob = await domus.sendBlob(Files, new Uint8Array([stream]));
    const fill = (): void => {
      while (blob.write(piece));
    };
    blob.on('drain', fill).on('error', () => {});
    fill();
  }
  const payload = new Uint8Array(plan.payloadBytes).fill(7);
  let open = true;
  const loop = async (): Promise<void> => {
    while (open) {
      await domus.send(Pings, payload);
      tally.add(1);
    }
  };
  const looping = loop();
  return {
    agreed: '',
    close: async () => {
      open = false;
      await looping;
      await domus.shutdown({ drainTimeout: 0 });
    },
  };
}
