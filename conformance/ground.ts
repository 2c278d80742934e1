/** What all domus and raw peers of one run stand on: an authority, a folder for Unix sockets, addresses and certificates. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueAuth, type PemMaterial } from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { loadAuthMaterial } from '@flaminia/transport-a0/internal';
import { freePort } from '../interop/free-port.ts';

export type Transport = 'tcp' | 'unix';

type LoadedAuth = ReturnType<typeof loadAuthMaterial>;

export const TRANSPORTS: readonly Transport[] = ['tcp', 'unix'];

export class Ground {
  readonly #folder: string;
  /** Made once: opening an authority for each leaf costs more than the leaf. */
  readonly #issue: (address: DomusAddr) => Promise<PemMaterial>;
  #lastName = 0;

  static async make(): Promise<Ground> {
    // A Unix socket is known by its real path, and the path must be short.
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'flaminia-')));
    return new Ground(folder, issueAuth({ ca: await createAuthority(), nodeId: 'conformance' }));
  }

  private constructor(folder: string, issue: (address: DomusAddr) => Promise<PemMaterial>) {
    this.#folder = folder;
    this.#issue = issue;
  }

  /** An address that nobody has, with a certificate for it. */
  async place(transport: Transport): Promise<Place> {
    const address =
      transport === 'tcp'
        ? tcpAddress('127.0.0.1', await freePort())
        : unixAddress(join(this.#folder, `${++this.#lastName}.sock`));
    const material = await this.#issue(address);
    let loaded: LoadedAuth | undefined;
    return {
      address,
      material,
      load: () => {
        loaded ??= loadAuthMaterial(material, transport);
        return loaded;
      },
    };
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Place {
  readonly address: DomusAddr;
  readonly material: PemMaterial;
  /** The material as a backend wants it, made once. */
  load(): LoadedAuth;
}
