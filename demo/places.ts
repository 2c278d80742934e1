/** Where the nodes of the demo live on this machine. */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/domus';
import type { NodeSetup } from './processes.ts';

/** A place for each name: a free port, or a socket in the folder of the demo. */
export async function placesFor(names: readonly string[], folder: string, socket: boolean): Promise<NodeSetup[]> {
  const ports = socket ? [] : await freePorts(names.length);
  return names.map((name, i) => {
    const address: DomusAddr = socket ? unixAddress(join(folder, `${name}.sock`)) : tcpAddress('127.0.0.1', ports[i]!);
    return { name, address, folder };
  });
}

/** Below what systems hand out to outgoing connections: one of those could take the port of a worker that is down. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;
const TRIES = 1_000;

/** Ports that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  for (let tries = 0; held.size < count; tries++) {
    if (tries === TRIES) throw new Error('no port is free');
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (isFree) held.set(port, server);
  }
  for (const server of held.values()) server.close();
  return [...held.keys()];
}
