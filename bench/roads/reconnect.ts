/**
 * How long a lost connection is felt: it is cut while some messages wait for their answers, and the lap ends when all of them
 * have come, over the next connection. One message is a plain connect; 128 are a connect and a replay.
 */
import { bytes, Domus, endpoint, SimpleResolver } from '@flaminia/domus';
import { deliveryOf } from '@flaminia/domus/internal';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

/** A plain connect, with one message. */
export const connect: Road = { receive, send: (run, tally) => send(run, tally, 1) };

/** A connect, and the replay of a full lane. */
export const reconnect: Road = { receive, send: (run, tally) => send(run, tally, 128) };

const Pings = endpoint('bench-pings', bytes());

async function receive({ receiver }: Run): Promise<Receiving> {
  const domus = await Domus.open({ address: receiver.address, auth: receiver.auth });
  await domus.serve(Pings, () => {});
  return { close: () => domus.shutdown({ drainTimeout: 0 }) };
}

async function send({ receiver, sender, plan }: Run, tally: Tally, messages: number): Promise<Sending> {
  const resolver = new SimpleResolver([[Pings, receiver.address]]);
  const domus = await Domus.open({ address: sender.address, auth: sender.auth, resolver });
  const payload = new Uint8Array(plan.payloadBytes).fill(7);
  await domus.send(Pings, payload);
  let open = true;
  const loop = async (): Promise<void> => {
    while (open) {
      const sends = Array.from({ length: messages }, () => domus.send(Pings, payload));
      // Written in this turn, and cut before an answer can have come.
      await new Promise(setImmediate);
      for (const { calles } of deliveryOf(domus).core.peers.values())
        for (const callis of [...calles]) (callis.driver as { readonly stream: { destroy(): void } }).stream.destroy();
      await Promise.all(sends);
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
