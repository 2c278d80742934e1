/**
 * This fabric, as a user drives it: `depth` loops that await `domus.send` of 64 bytes, and a handler that returns at
 * once, which accepts. Lanes and inbox have room for `depth`; every other setting is the default.
 */
import { bytes, Domus, type DomusConfig, endpoint, SimpleResolver } from '@flaminia/domus';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const domusRoad: Road = { receive, send };

const Pings = endpoint('bench-pings', bytes());

async function receive(run: Run): Promise<Receiving> {
  const domus = await openDomus(run.receiver, run.plan.depth);
  await domus.serve(Pings, () => {});
  return { close: () => domus.shutdown() };
}

async function send(run: Run, tally: Tally): Promise<Sending> {
  const resolver = new SimpleResolver([[Pings, run.receiver.address]]);
  const domus = await openDomus(run.sender, run.plan.depth, resolver);
  const payload = new Uint8Array(run.plan.payloadBytes).fill(7);
  // The connection stands before the loops start: a full lane would refuse what they send meanwhile.
  await domus.send(Pings, payload);
  let open = true;
  const loop = async (): Promise<void> => {
    while (open) {
      await domus.send(Pings, payload);
      tally.add(1);
    }
  };
  const loops = Array.from({ length: run.plan.depth }, () => loop());
  return {
    agreed: '',
    close: async () => {
      open = false;
      await Promise.all(loops);
      await domus.shutdown();
    },
  };
}

function openDomus({ address, auth }: Side, depth: number, resolver?: SimpleResolver): Promise<Domus> {
  const config: Partial<DomusConfig> = { sendQueueSize: depth, tabernaAcceptQueueSize: Math.max(1_024, 2 * depth) };
  return Domus.open({ address, auth, config, ...(resolver && { resolver }) });
}
