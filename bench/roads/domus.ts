/**
 * This fabric, as a user drives it: `depth` loops that await `domus.send` of 64 bytes, and a handler that returns at
 * once, which accepts. Lanes and inbox have room for `depth`; every other setting is the default.
 */
import { join } from 'node:path';
import { bytes, Domus, type DomusAddr, type DomusConfig, endpoint, SimpleResolver } from '@flaminia/domus';
import { materialFor } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';

export const domusRoad: Road = { receive, send };

const Pings = endpoint('bench-pings', bytes());

async function receive(run: Run): Promise<Receiving> {
  const domus = await openDomus(run, 'receiver');
  await domus.serve(Pings, () => {});
  return { target: domus.address, close: () => domus.shutdown() };
}

async function send(run: Run, target: string, tally: Tally): Promise<Sending> {
  const resolver = new SimpleResolver([[Pings, target as DomusAddr]]);
  const domus = await openDomus(run, 'sender', resolver);
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

function openDomus(run: Run, name: string, resolver?: SimpleResolver): Promise<Domus> {
  const address: DomusAddr = run.plan.link === 'tls' ? 'tcp://127.0.0.1:0' : `unix://${join(run.directory, name)}`;
  const auth = (actual: DomusAddr): ReturnType<typeof materialFor> => materialFor(run.credentials, actual);
  return Domus.open({ address, auth, config: configFor(run.plan.depth), ...(resolver && { resolver }) });
}

function configFor(depth: number): Partial<DomusConfig> {
  return { sendQueueSize: depth, tabernaAcceptQueueSize: Math.max(1_024, 2 * depth) };
}
