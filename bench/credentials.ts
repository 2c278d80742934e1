/**
 * The certificates of a run: an authority for all of it, and a leaf for each side of a trial.
 *
 * The harness issues them and hands them over as text. A process that issued its own would carry the certificate
 * library in its heap, and pay for it at every collection: a third of a pump's receiver, measured.
 */
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type Authority, createAuthority, issueAuth, type PemMaterial } from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import type { Link } from './plan.ts';

/** A P-256 authority in PEM. */
export interface Credentials {
  readonly certificates: Authority['certificates'];
  readonly key: string;
}

/** One side of a trial: where it listens, and the leaf that says so, as both `Domus.open` and `node:tls` take it. */
export interface Side {
  readonly address: DomusAddr;
  readonly auth: PemMaterial;
}

export async function createCredentials(): Promise<Credentials> {
  const { certificates, key } = await createAuthority({ name: 'Flaminia benchmark authority' });
  return { certificates, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** A side on loopback, at a port that is free now, or at a socket in `directory` that bears its name. */
export async function createSide(credentials: Credentials, link: Link, directory: string, name: string): Promise<Side> {
  const address = link === 'tls' ? tcpAddress(LOOPBACK, await freePort()) : unixAddress(join(directory, name));
  return { address, auth: await issueFor(credentials, address, name) };
}

/** So many sides on loopback, at different ports. */
export async function createSides(credentials: Credentials, count: number): Promise<Side[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return Promise.all(
    [...ports].map(async (port, index) => {
      const address = tcpAddress(LOOPBACK, port);
      return { address, auth: await issueFor(credentials, address, `node-${index}`) };
    }),
  );
}

/** A new P-256 leaf that names `address`. */
export function issueFor(credentials: Credentials, address: DomusAddr, nodeId = 'bench'): Promise<PemMaterial> {
  const ca = { certificates: credentials.certificates, key: createPrivateKey(credentials.key) };
  return issueAuth({ ca, nodeId })(address);
}

const LOOPBACK = '127.0.0.1';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
