/** What a peer costs a domus while nobody speaks: one message each, so that the session stands, then silence. */
import { bytes, Domus, type DomusAddr, endpoint, SimpleResolver } from '@flaminia/domus';
import { materialFor } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { inWaves } from './in-waves.ts';

export const idleDomus: Road = { receive, send };

const Greetings = endpoint('bench-greetings', bytes());

async function receive(run: Run): Promise<Receiving> {
  const domus = await openDomus(run);
  await domus.serve(Greetings, () => {});
  return { target: domus.address, close: () => domus.shutdown() };
}

async function send(run: Run, target: string, _tally: Tally, peers: number): Promise<Sending> {
  const resolver = new SimpleResolver([[Greetings, target as DomusAddr]]);
  const crowd = await inWaves(peers, async () => {
    const domus = await openDomus(run, resolver);
    await domus.send(Greetings, new Uint8Array(1));
    return domus;
  });
  return {
    agreed: '',
    close: async () => {
      await Promise.all(crowd.map((domus) => domus.shutdown()));
    },
  };
}

/** Port 0, since each of a thousand needs an address of its own on a machine that may have one loopback ip only. */
function openDomus(run: Run, resolver?: SimpleResolver): Promise<Domus> {
  const auth = (actual: DomusAddr): ReturnType<typeof materialFor> => materialFor(run.credentials, actual);
  return Domus.open({ address: 'tcp://127.0.0.1:0', auth, ...(resolver && { resolver }) });
}
