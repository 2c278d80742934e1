/** What all domus and raw peers of one run stand on: an authority, a folder for Unix sockets, addresses and certificates. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, issueAuth, type PemMaterial } from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { freePort } from '../interop/free-port.ts';

export type Transport = 'tcp' | 'unix';

export const TRANSPORTS: readonly Transport[] = ['tcp', 'unix'];

export class Ground {
  readonly #folder: string;
  readonly #authority: Authority;
  #lastName = 0;

  static async make(): Promise<Ground> {
    // A Unix socket is known by its real path, and the path must be short.
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'flaminia-')));
    return new Ground(folder, await createAuthority());
  }

  private constructor(folder: string, authority: Authority) {
    this.#folder = folder;
    this.#authority = authority;
  }

  /** An address that nobody has, with a certificate for it. */
  async place(transport: Transport): Promise<Place> {
    const name = ++this.#lastName;
    const address =
      transport === 'tcp' ? tcpAddress('127.0.0.1', await freePort()) : unixAddress(join(this.#folder, `${name}.sock`));
    return { address, material: await issueAuth({ ca: this.#authority, nodeId: `place-${name}` })(address) };
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Place {
  readonly address: DomusAddr;
  readonly material: PemMaterial;
}
