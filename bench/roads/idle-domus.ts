/** What a peer costs a domus while nobody speaks: one message each, so that the session stands, then silence. */
import { bytes, Domus, type DomusAddr, endpoint, SimpleResolver } from '@flaminia/domus';
import { issueFor } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { inWaves } from './in-waves.ts';

export const idleDomus: Road = { receive, send };

const Greetings = endpoint('bench-greetings', bytes());

async function receive(run: Run): Promise<Receiving> {
  const domus = await Domus.open({ ...run.receiver });
  await domus.serve(Greetings, () => {});
  return { close: () => domus.shutdown() };
}

async function send(run: Run, _tally: Tally, peers: number): Promise<Sending> {
  const resolver = new SimpleResolver([[Greetings, run.receiver.address]]);
  const crowd = await inWaves(peers, async () => {
    const domus = await openPeer(run, resolver);
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
function openPeer({ credentials }: Run, resolver: SimpleResolver): Promise<Domus> {
  const auth = (address: DomusAddr): ReturnType<typeof issueFor> => issueFor(credentials, address);
  return Domus.open({ address: 'tcp://127.0.0.1:0', auth, resolver });
}
