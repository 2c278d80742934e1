/** A Rust domus with its process, its certificate files and, where asked for, a relay in front of it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PemMaterial } from '@flaminia/certificates';
import { type DomusAddr, parseAddress } from '@flaminia/transport-a0';
import { CutProxy, type Place } from './cut-proxy.ts';
import { type MaterialFiles, RustPeer } from './rust-peer.ts';
import type { RustConfig } from './rust-protocol.ts';

export interface RustDomusOptions {
  readonly config?: RustConfig;
  /** Puts a relay between this domus and whoever dials it. */
  readonly proxied?: boolean;
}

interface Plan extends RustDomusOptions {
  readonly address: DomusAddr;
  /** Where the crate binds: elsewhere than `address` behind a TCP relay. */
  readonly bind: DomusAddr;
  readonly files: MaterialFiles;
}

export class RustDomus {
  readonly address: DomusAddr;
  readonly #plan: Plan;
  #peer: RustPeer | undefined;
  #proxy: CutProxy | undefined;

  constructor(plan: Plan) {
    this.address = plan.address;
    this.#plan = plan;
  }

  get peer(): RustPeer {
    if (this.#peer === undefined) throw new Error('the Rust domus is not running');
    return this.#peer;
  }

  get proxy(): CutProxy {
    if (this.#proxy === undefined) throw new Error('the Rust domus is not running behind a relay');
    return this.#proxy;
  }

  /** Starts a process with the domus open; once more after `crash` or `stop`, at the same address. */
  async start(): Promise<void> {
    this.#peer = await RustPeer.start();
    await this.reopen();
  }

  /** Opens the domus once more, in the same process, after `peer.shutdown()`. */
  async reopen(): Promise<void> {
    const { address, bind, files, config, proxied } = this.#plan;
    await this.#proxy?.close();
    await this.peer.open({ address: bind, ...files, ...(config === undefined ? {} : { config }) });
    if (proxied === true) this.#proxy = await openProxy(address, bind);
  }

  /** Kills the process in the middle of whatever it does. */
  async crash(): Promise<void> {
    await this.#peer?.kill();
    await this.#forget();
  }

  /** Ends process and relay. Graceful for the peers only if `peer.shutdown()` came before. Idempotent. */
  async stop(): Promise<void> {
    await this.#peer?.stop();
    await this.#forget();
  }

  async #forget(): Promise<void> {
    this.#peer = undefined;
    await this.#proxy?.close();
    this.#proxy = undefined;
  }
}

/** Gets a relay in front of a domus that listens at `bind`, so that `address` reaches it. */
export function openProxy(address: DomusAddr, bind: DomusAddr): Promise<CutProxy> {
  const [front, back] = [placeOf(address), placeOf(bind)];
  return 'path' in front ? CutProxy.interpose(front.path) : CutProxy.open(front, back);
}

/** Writes material as files for a program that takes paths. */
export async function writeMaterial(folder: string, material: PemMaterial): Promise<MaterialFiles> {
  const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await mkdir(folder, { mode: 0o700 });
  await Promise.all([
    writeFile(files.ca, material.ca),
    writeFile(files.cert, material.cert),
    writeFile(files.key, material.key, { mode: 0o600 }),
  ]);
  return files;
}

function placeOf(address: DomusAddr): Place {
  const parsed = parseAddress(address);
  return parsed.kind === 'tcp' ? { host: parsed.ip, port: parsed.port } : { path: parsed.path };
}
