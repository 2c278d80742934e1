/** Where the nodes of the demo live on this machine. */
import { createServer } from 'node:net';
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

/** Ports that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  return servers.map((server) => {
    const bound = server.address();
    server.close();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port');
    return bound.port;
  });
}
