/** Where the nodes of the demo live on this machine. */
import { join } from 'node:path';
import { tcpAddress, unixAddress } from '@flaminia/domus';
import { freePort } from '../interop/free-port.ts';
import type { NodeSetup } from './processes.ts';

/** A place for each name: a free port, or a socket in the folder of the demo. */
export function placesFor(names: readonly string[], folder: string, socket: boolean): Promise<NodeSetup[]> {
  return Promise.all(
    names.map(async (name) => {
      const address = socket ? unixAddress(join(folder, `${name}.sock`)) : tcpAddress('127.0.0.1', await freePort());
      return { name, address, folder };
    }),
  );
}
