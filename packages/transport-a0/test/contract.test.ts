/** The one contract of all backends, against TCP, Unix sockets and memory. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type BackendSeat, type BackendWorld, describeBackend } from '@flaminia/testkit';
import { type DomusAddr, tcpAddress, unixAddress } from '../src/address.ts';
import { type AuthMaterial, loadAuthMaterial } from '../src/auth-material.ts';
import { MemoryNetwork } from '../src/memory.ts';
import { TcpBackend } from '../src/tcp-backend.ts';
import { UnixBackend } from '../src/unix-backend.ts';
import { freeAddress, LIMITS } from './tcp-imperium.ts';
import { makeFolder, UNIX_LIMITS } from './unix-imperium.ts';

describeBackend('memory', async () => {
  const network = new MemoryNetwork();
  let places = 0;
  return {
    freeAddress: async () => tcpAddress('127.0.0.1', ++places),
    backend: async (seat) => network.backend(seat),
    close: async () => {},
  };
});

describeBackend('TCP', async () => {
  const materialFor = await issuer('tcp');
  return {
    freeAddress: async () => (await freeAddress()).text,
    backend: async (seat) => new TcpBackend({ ...seat, limits: () => LIMITS, material: await materialFor(seat) }),
    foreignAddress: unixAddress('/run/elsewhere.sock'),
    close: async () => {},
  };
});

describeBackend('Unix sockets', async (): Promise<BackendWorld> => {
  const materialFor = await issuer('unix');
  const folder = await makeFolder();
  let places = 0;
  return {
    freeAddress: async (): Promise<DomusAddr> => unixAddress(join(folder, `${++places}.sock`)),
    backend: async (seat) => new UnixBackend({ ...seat, limits: () => UNIX_LIMITS, material: await materialFor(seat) }),
    foreignAddress: tcpAddress('127.0.0.1', 9),
    close: () => rm(folder, { recursive: true }),
  };
});

/** Issues the material of each domus from one authority. */
async function issuer(kind: 'tcp' | 'unix'): Promise<(seat: BackendSeat) => Promise<() => AuthMaterial>> {
  const ca = await createAuthority();
  return async ({ address, nodeId, nodeType }) => {
    const material = loadAuthMaterial(await issueAuth({ ca, nodeId, nodeType })(address), kind);
    return () => material;
  };
}
